//! Configuration: flags over environment over one file over defaults.
//!
//! The file is TOML, named by `--config` or `ONHAND_CONFIG`; its keys are the long flags of the command with `_` for
//! `-`. It is read before the flags are parsed, and what it says becomes the flags' defaults, so there is one list of
//! settings with one meaning each, and `--help` shows it.

use crate::failure::Failure;
use clap::builder::OsStr;
use clap::{Arg, Command, FromArgMatches};
use std::path::{Path, PathBuf};

/// The command line, with what the configuration file says as defaults.
pub(crate) fn parse<C: clap::CommandFactory + FromArgMatches>() -> Result<C, Failure> {
    let mut command = C::command();
    if let Some(path) = config_path() {
        command = with_file(command, &path)?;
    }
    let matches = command.clone().get_matches();
    C::from_arg_matches(&matches).map_err(|error| error.format(&mut command).exit())
}

/// The value of `--config` or `ONHAND_CONFIG`, seen before everything else.
fn config_path() -> Option<PathBuf> {
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = argument
            .to_str()
            .and_then(|text| text.strip_prefix("--config="))
        {
            return Some(path.into());
        }
    }
    std::env::var_os("ONHAND_CONFIG").map(PathBuf::from)
}

fn with_file(command: Command, path: &Path) -> Result<Command, Failure> {
    let say = |why: String| Failure::say(format!("the configuration {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| say(error.to_string()))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error: toml::de::Error| say(error.to_string()))?;
    let mut serve = command;
    for (key, value) in table {
        let flag = key.replace('_', "-");
        let is_known = serve.find_subcommand("serve").is_some_and(|serve| {
            serve
                .get_arguments()
                .any(|arg| arg.get_long() == Some(&flag) && flag != "config")
        });
        if !is_known {
            return Err(say(format!(
                "there is no setting `{key}`; `onhand serve --help` lists them"
            )));
        }
        let default = as_default(&value)
            .ok_or_else(|| say(format!("`{key}` must be a text, a number or true/false")))?;
        serve = serve.mut_subcommand("serve", |serve| {
            serve.mut_arg(id_of(&flag), |arg| set_default(arg, default))
        });
    }
    Ok(serve)
}

/// clap's name of an argument is the field's name.
fn id_of(flag: &str) -> String {
    flag.replace('-', "_")
}

fn set_default(arg: Arg, value: String) -> Arg {
    arg.required(false).default_value(OsStr::from(value))
}

fn as_default(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    }
}
