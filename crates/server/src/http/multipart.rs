//! Bodies of `multipart/form-data` (RFC 7578), read after they have come as a whole: how large one
//! may be is decided by whoever reads it.

use axum::body::Bytes;
use futures_util::stream;
use madang_domain::{Code, Error};

/// What one of a form's fields holds.
pub(super) struct Part {
    pub(super) name: String,
    /// Whether it came as a file: with a file's name, which is not looked at.
    pub(super) is_file: bool,
    pub(super) content: Bytes,
}

/// The parts of `body`, in order.
///
/// # Errors
/// [`Code::BodyInvalid`]: it is no such form, ends early, or has more than `parts_max` parts.
pub(super) async fn parts(
    content_type: &str,
    body: Bytes,
    parts_max: usize,
) -> Result<Vec<Part>, Error> {
    let invalid = |_| Error::with_detail(Code::BodyInvalid, "the body is not multipart/form-data");
    let boundary = multer::parse_boundary(content_type).map_err(invalid)?;
    let body = stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut form = multer::Multipart::new(body, boundary);
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await.map_err(invalid)? {
        if parts.len() == parts_max {
            let detail = "the form has more fields than are taken here";
            return Err(Error::with_detail(Code::BodyInvalid, detail));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let is_file = field.file_name().is_some();
        let content = field.bytes().await.map_err(invalid)?;
        parts.push(Part {
            name,
            is_file,
            content,
        });
    }
    Ok(parts)
}
