//! The store on a folder, and which bytes are pictures.

use std::fs::{self, File};
use std::path::PathBuf;

use madang_domain::UserId;
use tempfile::TempDir;

use super::*;
use crate::config::assemble;

/// Pictures of one pixel, as their makers write them.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\0\x05\0\x01\xffV\xc7/\r\0\0\0\0IEND\xaeB`\x82";
const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\
    \x01\0\0\x02\x01D\0;";
const JPEG: &[u8] =
    b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xff\xdb\0\x04\0\0\xff\xff\
    \xc0\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0?\0\0\xff\xd9";
const WEBP: &[u8] =
    b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
const WEBP_LOSSY: &[u8] =
    b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\x000\x01\0\x9d\x01*\x01\0\x01\0\x02\x004%\
    \xa4\0\x03p\0\xfe\xfb\x94\0\0";

struct Fixture {
    store: PictureStore,
    directory: TempDir,
}

impl Fixture {
    fn new(options: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let variable = |(name, value): &(&str, &str)| {
            let name = format!("MADANG_PICTURES__{}", name.to_uppercase());
            (name, (*value).to_owned())
        };
        let variables: Vec<_> = options.iter().map(variable).collect();
        let config = assemble(None, &variables, &[]).unwrap().config;
        let store = PictureStore::open(&config.pictures, directory.path()).unwrap();
        Self { store, directory }
    }

    async fn put(&self, content: &'static [u8]) -> Result<PictureKey, Code> {
        let upload = self.store.begin(&caller(Role::Service)).unwrap();
        let put = upload.finish(Bytes::from_static(content)).await;
        put.map_err(|error| error.code())
    }

    async fn content(&self, key: &PictureKey) -> Option<Vec<u8>> {
        use futures_util::TryStreamExt;
        let picture = self.store.get(key).await.unwrap()?;
        let pieces: Vec<Bytes> = picture.content.try_collect().await.unwrap();
        let content = pieces.concat();
        assert_eq!(picture.size, content.len() as u64);
        assert!(self.store.contains(key).await.unwrap());
        Some(content)
    }

    fn file(&self, state: &str, name: impl ToString) -> PathBuf {
        let folder = self.directory.path().join("pictures").join(state);
        folder.join(name.to_string())
    }

    /// Every file, by its path in the folder of the pictures.
    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for state in [UNUSED, KEPT] {
            let folder = self.directory.path().join("pictures").join(state);
            for file in fs::read_dir(folder).into_iter().flatten() {
                let name = file.unwrap().file_name().into_string().unwrap();
                files.push(format!("{state}/{name}"));
            }
        }
        files
    }
}

fn caller(role: Role) -> Caller {
    Caller {
        user: UserId::new("kim").unwrap(),
        name: None,
        member_id: None,
        role,
        expires_at: None,
    }
}

/// Makes a file as old as an upload that nobody used.
fn age(file: &FilePath) {
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(25 * 60 * 60);
    let file = File::options().write(true).open(file).unwrap();
    file.set_modified(yesterday).unwrap();
}

#[tokio::test]
async fn what_is_uploaded_is_got_as_it_was_until_it_is_deleted() {
    let fixture = Fixture::new(&[]);
    for (content, format) in [
        (PNG, PictureFormat::Png),
        (GIF, PictureFormat::Gif),
        (JPEG, PictureFormat::Jpeg),
        (WEBP, PictureFormat::Webp),
        (WEBP_LOSSY, PictureFormat::Webp),
    ] {
        let key = fixture.put(content).await.unwrap();
        assert_eq!(key.format(), format);
        assert_eq!(fixture.content(&key).await.unwrap(), content);
        fixture.store.delete(&key).await.unwrap();
        assert_eq!(fixture.content(&key).await, None);
        fixture.store.delete(&key).await.unwrap();
    }
    assert!(fixture.files().is_empty(), "{:?}", fixture.files());
}

#[tokio::test]
async fn what_is_no_picture_by_its_head_is_refused_and_nothing_is_stored() {
    let fixture = Fixture::new(&[]);
    let broken: &[&[u8]] = &[
        b"",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\x01\x08\x06\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x03\x06\0\0\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\x0cIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0",
        b"GIF89a\0\0\x01\0\0\0\0",
        b"GIF88a\x01\0\x01\0\0\0\0",
        b"GIF89a",
        b"\xff\xd8\xff",
        b"\xff\xd8\xff<script>alert(1)</script>",
        b"\xff\xd8\xff\xe0\0\x01",
        b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xd9",
        // A scan without a frame; a frame without a width.
        b"\xff\xd8\xff\xda\0\x08\x01\x01\0\0?\0",
        b"\xff\xd8\xff\xc0\0\x0b\x08\0\x01\0\0\x01\x01\x11\0",
        b"RIFF\x1a\0\0\0WAVEfmt \x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0",
        &WEBP[..20],
        &WEBP[..30],
        b"RIFF\x16\0\0\0WEBPVP8X\x09\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ];
    for content in broken {
        let refused = fixture.put(content).await;
        let text = String::from_utf8_lossy(content);
        assert_eq!(refused, Err(Code::BodyInvalid), "{text:?}");
    }
    assert!(fixture.files().is_empty());
}

#[tokio::test]
async fn a_picture_has_no_more_bytes_than_it_may() {
    let fixture = Fixture::new(&[("bytes_max", "1024")]);
    let mut content = PNG.to_vec();
    content.resize(1024, 0);
    fixture.put(content.clone().leak()).await.unwrap();
    content.push(0);
    assert_eq!(fixture.put(content.leak()).await, Err(Code::TooLarge));
}

#[tokio::test]
async fn one_room_takes_an_upload_and_has_it_alone() {
    let fixture = Fixture::new(&[]);
    let key = fixture.put(PNG).await.unwrap();
    let keeps = (0..8).map(|_| fixture.store.keep(&key));
    let kept = futures_util::future::join_all(keeps).await;
    let refusals = kept.iter().filter_map(|kept| kept.as_ref().err());
    assert!(
        refusals
            .clone()
            .all(|error| error.code() == Code::BodyInvalid)
    );
    assert_eq!(refusals.count(), 7);
    assert_eq!(fixture.content(&key).await.unwrap(), PNG);
    assert_eq!(fixture.files(), [format!("{KEPT}/{key}")]);
    fixture.store.delete(&key).await.unwrap();
    let gone = fixture.store.keep(&key).await.unwrap_err();
    assert_eq!(gone.code(), Code::BodyInvalid);
}

#[tokio::test]
async fn a_sweep_takes_what_nobody_used_for_a_day_and_nothing_else() {
    let fixture = Fixture::new(&[]);
    // Before the first upload there is no folder yet.
    fixture.store.sweep().await;
    let [old, young, kept] = [
        fixture.put(PNG).await.unwrap(),
        fixture.put(GIF).await.unwrap(),
        fixture.put(JPEG).await.unwrap(),
    ];
    fixture.store.keep(&kept).await.unwrap();
    let torn = fixture.file(UNUSED, format!("{old}#1"));
    let torn_now = fixture.file(UNUSED, format!("{young}#1"));
    let foreign = fixture.file(UNUSED, "notes.txt");
    for file in [&torn, &torn_now, &foreign] {
        fs::write(file, "x").unwrap();
    }
    for file in [
        &fixture.file(UNUSED, old),
        &fixture.file(KEPT, kept),
        &torn,
        &foreign,
    ] {
        age(file);
    }
    fixture.store.sweep().await;
    assert_eq!(fixture.content(&old).await, None);
    assert_eq!(fixture.content(&young).await.unwrap(), GIF);
    assert_eq!(fixture.content(&kept).await.unwrap(), JPEG);
    let mut left = fixture.files();
    left.sort();
    let mut expected = [
        format!("{KEPT}/{kept}"),
        format!("{UNUSED}/{young}"),
        format!("{UNUSED}/{young}#1"),
        format!("{UNUSED}/notes.txt"),
    ];
    expected.sort();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn so_many_uploads_at_a_time_and_one_that_ends_makes_room() {
    let fixture = Fixture::new(&[("uploads_max", "1")]);
    let service = caller(Role::Service);
    let upload = fixture.store.begin(&service).unwrap();
    let refused = fixture.store.begin(&service).err().unwrap();
    assert_eq!(refused.code(), Code::Overloaded);
    drop(upload);
    assert!(fixture.store.begin(&service).is_ok());
}

#[tokio::test]
async fn a_person_uploads_so_much_a_day_and_a_back_end_as_much_as_it_wants() {
    let fixture = Fixture::new(&[("per_user_per_day_max", "2")]);
    let person = caller(Role::User);
    assert!((0..2).all(|_| fixture.store.begin(&person).is_ok()));
    let refused = fixture.store.begin(&person).err().unwrap();
    assert_eq!(refused.code(), Code::TooMany);
    let service = caller(Role::Service);
    assert!((0..100).all(|_| fixture.store.begin(&service).is_ok()));
}

#[test]
fn a_folder_that_cannot_be_made_is_told_with_its_path() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "x").unwrap();
    let place = file.join("pictures").display().to_string();
    let variables = [("MADANG_PICTURES__STORE".to_owned(), place.clone())];
    let config = assemble(None, &variables, &[]).unwrap().config;
    let error = PictureStore::open(&config.pictures, directory.path()).err();
    assert!(error.unwrap().to_string().contains(&place));
}

#[test]
fn a_buckets_answer_is_logged_by_its_code_only() {
    let answer =
        "status code: 400: <Error><Code>ExpiredToken</Code><Token-0>secret</Token-0></Error>";
    let error = object_store::Error::Generic {
        store: "S3",
        source: answer.into(),
    };
    assert_eq!(
        reason(&error),
        "Generic S3 error: status code: 400: ExpiredToken"
    );
}
