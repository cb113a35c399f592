//! Nobody gets in: who one is, until when, and what each role may do.

mod api_keys;
mod identity;
mod rights;
