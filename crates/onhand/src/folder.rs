//! Which data folder a command works on: the same flag, variable and default for all that only read one.

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
