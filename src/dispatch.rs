//! The send: claim, build, send, record.
