//! The environment over the file.

use std::collections::BTreeMap;
use std::fs;

/// The variables of a process, by name.
pub(super) type Environment = BTreeMap<String, String>;

/// The variable that `outcome` depends on: without it there is another. `None` where the file alone has it.
pub(super) fn decisive<T: PartialEq>(environment: &Environment, outcome: impl Fn(&Environment) -> T) -> Option<String> {
    let with_all = outcome(environment);
    let is_read = |name: &str| ["MASTHEAD_", "DATABASE_URL", "SMTP_URL"].iter().any(|start| name.starts_with(start));
    let is_decisive = |name: &&String| {
        let mut others = environment.clone();
        others.remove(*name);
        outcome(&others) != with_all
    };
    environment.keys().filter(|name| is_read(name)).find(is_decisive).cloned()
}

/// Lays `MASTHEAD_SECTION__KEY` over the file's table; other variables are none of ours.
pub(super) fn overlay(table: &mut toml::Table, name: &str, value: &str) -> Result<(), String> {
    let Some(path) = name.strip_prefix("MASTHEAD_").filter(|path| path.contains("__") || *path == "DATA") else {
        return Ok(());
    };
    // That key is the name of a file: its permissions are looked at.
    let secret_file = path.strip_suffix("_FILE").filter(|_| !path.ends_with("DKIM__KEY_FILE"));
    let (path, value) = match secret_file {
        Some(path) => (path, read_secret(value)?),
        None => (path, value.to_owned()),
    };
    let lower = path.to_ascii_lowercase();
    let mut keys: Vec<&str> = lower.split("__").collect();
    let last = keys.pop().unwrap_or_default();
    let mut here = table;
    for (depth, key) in keys.iter().enumerate() {
        // Variable names have no hyphens, slugs have.
        let key = if depth == 1 { key.replace('_', "-") } else { (*key).to_owned() };
        here = here
            .entry(key)
            .or_insert_with(|| toml::Value::Table(toml::Table::new()))
            .as_table_mut()
            .ok_or_else(|| "there is no such section".to_owned())?;
    }
    here.insert(last.to_owned(), toml::Value::String(value));
    Ok(())
}

pub(super) fn read_secret(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("the secret's file `{path}` cannot be read: {e}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
