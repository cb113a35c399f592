//! Nobody gets in: who one is, until when, and what each role may do.

mod api_keys;
mod guests;
mod identity;
mod published;
mod rights;
