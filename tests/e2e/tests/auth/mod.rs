//! Nobody gets in: who one is, until when, and what each role may do.

mod identity;
mod rights;
