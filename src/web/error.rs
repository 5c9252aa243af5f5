//! What goes wrong with a request: the reader sees a plain page, the operator the chain.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use tracing::error;

use crate::store::StoreError;
use crate::templates::pages;

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such page, or the link is not whole.
    #[error("not found")]
    NotFound,
    /// The handler broke down.
    #[error("the handler broke down")]
    Broken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, page) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, pages::not_found()),
            Self::Broken => {
                error!("a handler broke down");
                (StatusCode::INTERNAL_SERVER_ERROR, pages::unavailable())
            }
            Self::Store(error) => {
                error!(%error, "a request failed");
                (StatusCode::SERVICE_UNAVAILABLE, pages::unavailable())
            }
        };
        (status, Html(page.into_string())).into_response()
    }
}
