//! The private Postgres: a cluster of our own under the data folder.
