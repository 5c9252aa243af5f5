//! The store: all SQL.
