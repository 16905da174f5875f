//! Which data a command works on: the same flag, variable and default for all that only read it.

use clap::Args;
use std::path::PathBuf;

/// The flag that names the data folder.
#[derive(Args, Debug)]
pub(crate) struct DataFolder {
    /// The data folder.
    #[arg(
        long,
        value_name = "DIR",
        env = "ONHAND_DATA",
        default_value = "./onhand-data"
    )]
    pub(crate) data: PathBuf,
}

/// The flag that names what is learned from or judged by.
#[derive(Args, Debug)]
pub(crate) struct DataSource {
    /// The data folder; or a Parquet file in the layout of FreshRetailNet-50K, straight.
    #[arg(
        long,
        value_name = "PATH",
        env = "ONHAND_DATA",
        default_value = "./onhand-data"
    )]
    pub(crate) data: PathBuf,
}
