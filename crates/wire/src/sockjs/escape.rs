//! Texts as JSON strings, of characters that no browser and no proxy mangles:
//! sockjs-protocol, "JSON Unicode Encoding".

/// Appends a JSON string.
///
/// As [`append_escaped`], between quotation marks.
pub fn append_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    append_escaped(text, out);
    out.push(b'"');
}

/// Appends what stands between the quotation marks of a JSON string.
///
/// Works character by character: the escape of pieces, cut between characters
/// and put together, is the escape of the whole. So a piece that many texts
/// share can be kept escaped.
///
/// `text` is UTF-8. What is not is copied as it is.
pub fn append_escaped(text: &[u8], out: &mut Vec<u8>) {
    out.reserve(text.len());
    let mut rest = text;
    loop {
        let (plain, from_suspect) = rest.split_at(plain_len(rest));
        out.extend_from_slice(plain);
        let Some(&suspect) = from_suspect.first() else {
            return;
        };
        let char_len = match suspect {
            0..0x80 => {
                append_ascii(suspect, out);
                1
            }
            0x80..0xf0 => append_char(from_suspect, 3, out),
            _ => append_char(from_suspect, 4, out),
        };
        rest = &from_suspect[char_len..];
    }
}

/// Appends a frame as a string of JavaScript within an HTML script.
///
/// Nothing of the frame can end the script, since `<` is escaped: the page has
/// the origin of the server, and the frame has what other users wrote.
pub(super) fn append_script_string(frame: &[u8], out: &mut Vec<u8>) {
    out.reserve(frame.len() + 2);
    out.push(b'"');
    let mut rest = frame;
    while let Some(at) = memchr::memchr3(b'"', b'\\', b'<', rest) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'<' => append_unit(u16::from(b'<'), out),
            byte => out.extend_from_slice(&[b'\\', byte]),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

const BLOCK_LEN: usize = 16;

/// How many bytes from the start are neither to be escaped nor the first of a
/// character that may have to be.
fn plain_len(text: &[u8]) -> usize {
    // Quotation marks come close together, so the next bytes are looked at one
    // by one, and only then blocks: these without a branch per byte, as a few
    // vector instructions each.
    let near = text.len().min(BLOCK_LEN);
    let (near, far) = text.split_at(near);
    if let Some(at) = near.iter().position(|byte| IS_SUSPECT[usize::from(*byte)]) {
        return at;
    }
    let (blocks, _) = far.as_chunks::<BLOCK_LEN>();
    let is_plain = |block: &&[u8; BLOCK_LEN]| {
        let suspects = block.iter().map(|byte| u8::from(is_suspect(*byte)));
        suspects.fold(0, |any, one| any | one) == 0
    };
    let plain = near.len() + blocks.iter().take_while(is_plain).count() * BLOCK_LEN;
    let rest = &text[plain..];
    let suspect = rest.iter().position(|byte| IS_SUSPECT[usize::from(*byte)]);
    plain + suspect.unwrap_or(rest.len())
}

/// 0xE2 begins U+2000 to U+2FFF, 0xEF begins U+F000 to U+FFFF, and 0xF0 and
/// above begin what lies above U+FFFF.
const fn is_suspect(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\') | (byte == 0xe2) | (byte >= 0xef)
}

static IS_SUSPECT: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = is_suspect(byte as u8);
        byte += 1;
    }
    table
};

fn append_ascii(suspect: u8, out: &mut Vec<u8>) {
    let short = match suspect {
        b'"' | b'\\' => suspect,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => return append_unit(suspect.into(), out),
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends the first character of `text`, which takes that many bytes; answers
/// how many it took. If there is none it is one byte, as it is.
fn append_char(text: &[u8], char_len: usize, out: &mut Vec<u8>) -> usize {
    let bytes = text.get(..char_len).unwrap_or_default();
    let Some(char) = to_char(bytes) else {
        out.push(text[0]);
        return 1;
    };
    if is_unsafe(char) {
        for unit in char.encode_utf16(&mut [0; 2]) {
            append_unit(*unit, out);
        }
    } else {
        out.extend_from_slice(bytes);
    }
    char_len
}

fn to_char(bytes: &[u8]) -> Option<char> {
    str::from_utf8(bytes).ok()?.chars().next()
}

/// The `escapable_by_server` of sockjs-protocol, above ASCII. What takes two surrogates is
/// escaped as in sockjs-node: they do not get through everywhere.
fn is_unsafe(char: char) -> bool {
    matches!(
        char,
        '\u{200c}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fff0}'..
    )
}

fn append_unit(unit: u16, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u16| DIGITS[usize::from(unit >> shift & 0xf)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}
