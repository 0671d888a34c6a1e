"""Kinds of files that people have and that are not read, each with the lines that turn it into one that is."""

from __future__ import annotations

from pathlib import Path

from training.data.errors import DataError

_PICKLE = "it is a pickle, which may run code when it is read"
_SAVE = "np.savez('data.npz', images=images, labels=labels)"
_HOW = {
    (".pt", ".pth"): f"{_PICKLE}; if you trust it: images, labels = torch.load(...)[:2]; {_SAVE} with .numpy() of both",
    (".pkl", ".pickle"): f"{_PICKLE}; if you trust it, load it with pickle and save its arrays: {_SAVE}",
    (".mat",): f"m = scipy.io.loadmat(...); images = np.moveaxis(m['X'], -1, 0) if they are counted last; {_SAVE}",
    (".h5", ".hdf5", ".hdf"): f"with h5py.File(...) as f: images, labels = f['images'][:], f['labels'][:]; {_SAVE}",
    (".tfrecord", ".tfrecords"): f"take images and labels out with tensorflow_datasets.as_numpy, and {_SAVE}",
    (".xlsx", ".xls", ".xlsb", ".ods"): "save it as .csv, or pandas.read_excel(...).to_parquet('data.parquet')",
    (".dta",): "pandas.read_stata(...).to_parquet('data.parquet')",
    (".sav",): "pandas.read_spss(...).to_parquet('data.parquet')",
    (".sas7bdat", ".xpt"): "pandas.read_sas(...).to_parquet('data.parquet')",
    (".arff",): "pandas.DataFrame(scipy.io.arff.loadarff(...)[0]).to_parquet('data.parquet')",
    (".db", ".sqlite", ".sqlite3"): "pandas.read_sql('select ...', sqlite3.connect(...)).to_parquet('data.parquet')",
    (".orc",): "pandas.read_orc(...).to_parquet('data.parquet')",
    (".zip", ".tar", ".tgz", ".7z", ".rar"): "unpack it, and name the folder or the file inside",
    (
        ".bin",
    ): "CIFAR's records are a byte of label and 3,072 of image: r = np.fromfile(..., np.uint8).reshape(-1, 3073); "
    "np.savez('data.npz', images=r[:, 1:].reshape(-1, 3, 32, 32), labels=r[:, 0])",
    (".safetensors",): f"t = safetensors.numpy.load_file(...); {_SAVE}",
    (".png", ".jpg", ".jpeg"): "it is one image; name the folder with one folder of images per class",
}


def refuse_file(path: Path) -> None:
    """Raise DataError with the way to convert a file of a known foreign kind; others are left to the caller."""
    if path.name.startswith(("data_batch_", "test_batch")) and not path.suffix:
        raise DataError(_cifar(path))
    for suffixes, how in _HOW.items():
        if path.suffix.lower() in suffixes or (path.name.lower().endswith(".tar.gz") and ".tar" in suffixes):
            raise DataError(f"{path}: {path.suffix} is not read: {how}")


def refuse_folder(path: Path) -> None:
    """Raise DataError with the way to convert a folder of a known foreign kind."""
    if (path / "data_batch_1").is_file() or ((path / "meta").is_file() and (path / "train").is_file()):
        raise DataError(_cifar(path))


def _cifar(path: Path) -> str:
    return (
        f"{path}: CIFAR's Python files are pickles, which may run code when they are read, and are not read here; if "
        "you trust them: b = pickle.load(file, encoding='bytes') of each, images = b[b'data'].reshape(-1, 3, 32, 32), "
        "labels = b[b'labels'] (b[b'fine_labels'] of CIFAR-100); "
        "np.savez('cifar.npz', x_train=..., y_train=..., x_test=..., y_test=...)"
    )
