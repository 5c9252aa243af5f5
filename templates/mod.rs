//! maud templates: functions from values to markup.
