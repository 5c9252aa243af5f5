//! Configuration: defaults < `masthead.toml` < environment < flags.
