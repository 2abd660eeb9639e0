"""Croissant metadata (JSON-LD, https://docs.mlcommons.org/croissant/docs/croissant-spec.html) of a release.

Croissant's readers know Parquet but no HDF5: the release's own file is described as a file, its rows by the Parquet mirror
that `convert` writes, one record set per split. Types, units and meanings are those of the mirror's schema.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pseudoexp.benchmark.registry import Release
from pseudoexp.converting import parquet
from pseudoexp.converting.convert import SPLIT_FILES
from pseudoexp.core.files import require_new_file, whole_file
from pseudoexp.dataset.probe import probe
from pseudoexp.errors import ConfigError, DamagedFile

SPECIFICATION = "http://mlcommons.org/croissant/1.0"
RESPONSIBLE = "http://mlcommons.org/croissant/RAI/1.0"
LICENCE = "https://creativecommons.org/licenses/by/4.0/"
TITLE = "pseudoexp: pseudo-experiments for boosted H->bb tagging"
AUTHORS = "The pseudoexp authors"
NOT_FOR = ("Not for physics measurements and no statement on the performance of ATLAS. Leading order, no top quarks, no Z -> bb, "
           "a parametrised detector, inputs of offline quality. Two jets of one event are not independent: errors have to be "
           "clustered by eventNumber.")
_TYPES = {"f": "sc:Float", "i": "sc:Integer", "u": "sc:Integer", "b": "sc:Boolean"}
_TERMS = ("citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
          "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
          "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform")
_AS_JSON = ("data", "examples")


def context() -> dict[str, Any]:
    """Return the names that the metadata use."""
    return {"@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/", "dct": "http://purl.org/dc/terms/",
            "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/", "conformsTo": "dct:conformsTo",
            "dataType": {"@id": "cr:dataType", "@type": "@vocab"}, **{name: f"cr:{name}" for name in _TERMS},
            **{name: {"@id": f"cr:{name}", "@type": "@json"} for name in _AS_JSON}}


def write(one: Release, file: Path, mirror: Path, out: Path, url: str, published: str, force: bool = False) -> None:
    """Write the metadata of a release.

    Parameters
    ----------
    one : Release
        The release.
    file, mirror : Path
        Its file, and the folder that ``convert --to parquet`` made of it.
    out : Path
        The file to write.
    url, published : str
        Where the release is offered, and since when (a date).
    force : bool, optional
        Replace an existing file.

    Raises
    ------
    ConfigError
        If something is missing or cannot be written.
    DamagedFile
        If file or mirror do not hold the release's rows.
    MissingExtra
        Without pyarrow.
    """
    require_new_file(out, force)
    text = json.dumps(describe(one, file, mirror, url, published), indent=1, ensure_ascii=False)
    with whole_file(out) as stream:
        stream.write(text.encode() + b"\n")


def describe(one: Release, file: Path, mirror: Path, url: str, published: str) -> dict[str, Any]:
    """Return the metadata of a release as JSON types; see `write`."""
    parquet.require()
    attributes = probe(file).attributes
    found = str(attributes["dataset_hash"])
    _require_rows(one, found, file)
    splits = {name.partition(".")[0]: _split(one, mirror / name, found)
              for split, name in SPLIT_FILES["parquet"].items() if split in one.splits}
    version = str(attributes["dataset_version"])
    files = [_file(file, "application/x-hdf5", "All rows, as `pseudoexp.load` reads them.")]
    files += [_file(mirror / f"{name}.parquet", "application/x-parquet", f"Rows of the split {name}: the same to the bit.")
              for name in splits]
    return {
        "@context": context(), "@type": "sc:Dataset", "conformsTo": [SPECIFICATION, RESPONSIBLE],
        "name": f"pseudoexp-{one.name}", "alternateName": one.title, "description": _description(one, found), "version": version,
        "license": LICENCE, "url": url, "datePublished": published, "inLanguage": "en", "isLiveDataset": False,
        "creator": {"@type": "sc:Organization", "name": AUTHORS},
        "keywords": ["high-energy physics", "jets", "flavour tagging", "Higgs boson", "simulation", "benchmark"],
        "citeAs": f"@misc{{pseudoexp, title={{{TITLE}}}, author={{{AUTHORS}}}, note={{release {one.name}, dataset {version}}}}}",
        "rai:dataCollection": f"Simulated by `python -m pseudoexp benchmark make {one.name}`: nothing was measured.",
        "rai:dataLimitations": NOT_FOR,
        "rai:dataUseCases": "Comparing methods of tagging boosted H -> bb jets by the rules of BENCHMARK.md.",
        "rai:personalSensitiveInformation": "None: simulated collisions.",
        "distribution": files, "recordSet": [_classes(attributes), *splits.values()]}


def _description(one: Release, dataset_hash: str) -> str:
    what = (f"{one.title}: {one.n} large-R jets from H -> bb and QCD with 39 inputs for boosted flavour tagging, simulated "
            f"(engine {one.engine} {one.engine_version}, detector {one.card}, seed {one.seed}, pile-up {one.pileup:g})")
    return ". ".join(filter(None, [what, f"Dataset hash {dataset_hash}", one.notice(), NOT_FOR]))


def _require_rows(one: Release, found: str, where: Path) -> None:
    if found != one.dataset_hash:
        wanted = one.dataset_hash or "none yet: it has to be made and frozen first"
        raise DamagedFile(f"{where}: its rows (dataset hash {found}) are not those of release {one.name} ({wanted})")


def _split(one: Release, path: Path, found: str) -> dict[str, Any]:
    """Return the record set of a file of the mirror, after a look at what it was made from."""
    import pyarrow as pa
    from pyarrow.parquet import read_schema

    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file; allowed: a folder that `convert FILE --to parquet --out FOLDER` made")
    try:
        table = read_schema(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedFile(f"{path}: not Parquet ({' '.join(str(error).split())[:200]})") from None
    stored = (table.metadata or {}).get(b"dataset_hash", b"").decode(errors="replace")
    if stored != found:
        raise DamagedFile(f"{path}: was made from other rows (dataset hash {stored or 'missing'}), not from those of release "
                          f"{one.name} ({found})")
    try:
        return _records(path.stem, table)
    except (KeyError, ValueError, NotImplementedError):  # names that are no text, types that have no number
        raise DamagedFile(f"{path}: damaged: its columns are not those that `convert` writes") from None


def _file(path: Path, kind: str, text: str) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"@type": "cr:FileObject", "@id": path.name, "name": path.name, "description": text, "contentUrl": path.name,
            "contentSize": f"{path.stat().st_size} B", "encodingFormat": kind, "sha256": digest}


def _classes(attributes: dict[str, Any]) -> dict[str, Any]:
    names = [str(name) for name in attributes["flavour_label"]]
    fields = [("label", "sc:Integer", "value of flavour_label"), ("name", "sc:Text", "the class")]
    return {"@type": "cr:RecordSet", "@id": "classes", "name": "classes", "dataType": "sc:Enumeration",
            "description": "The classes of jets.", "key": {"@id": "classes/label"},
            "field": [{"@type": "cr:Field", "@id": f"classes/{name}", "name": name, "dataType": kind, "description": text}
                      for name, kind, text in fields],
            "data": [{"classes/label": label, "classes/name": name} for label, name in enumerate(names)]}


def _records(split: str, table: Any) -> dict[str, Any]:
    return {"@type": "cr:RecordSet", "@id": split, "name": split,
            "description": f"The rows of the split {split}, one per large-R jet.",
            "field": [_field(split, column) for column in table]}


def _field(split: str, column: Any) -> dict[str, Any]:
    import pyarrow as pa

    repeated = pa.types.is_list(column.type)
    plain = (column.type.value_type if repeated else column.type).to_pandas_dtype()
    about = {key.decode(): value.decode() for key, value in (column.metadata or {}).items()}
    unit = f" [{about['unit']}]" if about.get("unit") else ""
    field = {"@type": "cr:Field", "@id": f"{split}/{column.name}", "name": column.name,
             "description": about.get("description", column.name) + unit, "dataType": _TYPES[_kind(plain)],
             "source": {"fileObject": {"@id": f"{split}.parquet"}, "extract": {"column": column.name}}}
    if repeated:
        field["repeated"] = True
    if column.name == "flavour_label":
        field["references"] = {"field": {"@id": "classes/label"}}
    return field


def _kind(plain: Any) -> str:
    import numpy as np

    return np.dtype(plain).kind
