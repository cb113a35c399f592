use std::fmt;

/// The headers of a frame in their order, repeated ones included.
///
/// All text lies in one string with an index of 8 octets per header, so a set
/// of headers costs two allocations whatever its size.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    text: String,
    ends: Vec<Ends>,
}

/// Where a header ends in the text; it begins where the one before it ends.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Ends {
    name: u32,
    value: u32,
}

/// Headers whose values [`fmt::Debug`] does not show, so that a logged CONNECT
/// gives no credentials away.
const SECRETS: [&str; 2] = ["passcode", "authorization"];

impl Headers {
    /// No headers; allocates nothing.
    pub const fn new() -> Headers {
        Headers {
            text: String::new(),
            ends: Vec::new(),
        }
    }

    /// No headers, with room for `count` of them having `bytes` octets of text together.
    pub fn with_capacity(count: usize, bytes: usize) -> Headers {
        Headers {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(count),
        }
    }

    /// Appends a header. A header of the same name may be there already; then
    /// the new one counts for nothing but its receivers see it.
    ///
    /// # Panics
    ///
    /// When all names and values together exceed 4 GiB. [`Limits`](super::Limits)
    /// keep a peer from that.
    pub fn push(&mut self, name: &str, value: &str) {
        self.text.push_str(name);
        let name_end = self.text_end();
        self.text.push_str(value);
        self.ends.push(Ends {
            name: name_end,
            value: self.text_end(),
        });
    }

    /// The value of the first header called `name`, the one that counts (STOMP
    /// 1.2, "Repeated Header Entries"). Case sensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(have, _)| *have == name)
            .map(|(_, value)| value)
    }

    /// Names and values in order, repeated headers included.
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            text: &self.text,
            start: 0,
            ends: self.ends.iter(),
        }
    }

    /// How many headers there are, repeated ones included.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(super) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Octets of heap held, used or not.
    pub(super) fn heap_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<Ends>()
    }

    fn text_end(&self) -> u32 {
        u32::try_from(self.text.len()).expect("headers of one frame stay below 4 GiB")
    }
}

/// Iterator over names and values, made by [`Headers::iter`].
#[derive(Clone)]
pub struct Iter<'a> {
    text: &'a str,
    start: usize,
    ends: std::slice::Iter<'a, Ends>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let ends = self.ends.next()?;
        let (name_end, value_end) = (ends.name as usize, ends.value as usize);
        let header = (
            &self.text[self.start..name_end],
            &self.text[name_end..value_end],
        );
        self.start = value_end;
        Some(header)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ends.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> Extend<(N, V)> for Headers {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, headers: I) {
        for (name, value) in headers {
            self.push(name.as_ref(), value.as_ref());
        }
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Headers {
        let mut all = Headers::new();
        all.extend(headers);
        all
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.iter().map(|(name, value)| {
            let secret = SECRETS
                .iter()
                .any(|secret| name.eq_ignore_ascii_case(secret));
            (name, if secret { "(hidden)" } else { value })
        });
        out.debug_list().entries(shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e7_first_of_repeated_headers_counts_and_all_are_listed() {
        let headers: Headers = [("foo", "World"), ("", ""), ("foo", "Hello"), ("Foo", "x")]
            .into_iter()
            .collect();
        assert_eq!(headers.get("foo"), Some("World"));
        assert_eq!(headers.get("Foo"), Some("x"));
        assert_eq!(headers.get("fo"), None);
        assert_eq!(headers.len(), 4);
        let listed: Vec<_> = headers.iter().collect();
        assert_eq!(
            listed,
            [("foo", "World"), ("", ""), ("foo", "Hello"), ("Foo", "x")]
        );
    }

    #[test]
    fn debug_output_hides_credentials() {
        let headers: Headers = [
            ("login", "ann"),
            ("passcode", "sesame"),
            ("Authorization", "Bearer sesame"),
        ]
        .into_iter()
        .collect();
        let shown = format!("{headers:?}");
        assert!(
            shown.contains("ann") && !shown.contains("sesame"),
            "{shown}"
        );
    }
}
