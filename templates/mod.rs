//! maud templates: functions from values to markup.

pub mod catcher;
