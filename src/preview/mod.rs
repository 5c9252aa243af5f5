//! The preview: what will be mailed, in the browser.
