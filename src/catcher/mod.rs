//! The mail catcher: an SMTP server on loopback that keeps what it gets and plays any fault.
