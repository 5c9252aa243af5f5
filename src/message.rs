//! Rendered + reader → bytes; every header is set here.
