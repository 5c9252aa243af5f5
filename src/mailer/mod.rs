//! SMTP: opens a connection to the relay and sends one message at a time over it.
