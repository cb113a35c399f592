//! What the store promises, whatever it is kept in.

use madang_domain::Code;

use super::fixture::{Fixture, GIF, JPEG, PNG, WEBP, WEBP_LOSSY};
use crate::pictures::{PictureFormat, PictureKey, UPLOADS};

#[tokio::test]
async fn what_is_uploaded_is_got_as_it_was_until_it_is_deleted() {
    for fixture in Fixture::on_every_store(&[]) {
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
            assert_eq!(fixture.objects().await, [format!("{UPLOADS}/{key}")]);
            fixture.store.delete(&key).await.unwrap();
            assert_eq!(fixture.content(&key).await, None);
            fixture.store.delete(&key).await.unwrap();
        }
        assert!(fixture.objects().await.is_empty());
    }
}

#[tokio::test]
async fn a_picture_of_a_megabyte_comes_back_whole() {
    let mut content = PNG.to_vec();
    content.extend((0..(1 << 20) - PNG.len()).map(|byte| u8::try_from(byte % 251).unwrap()));
    let content: &'static [u8] = content.leak();
    for fixture in Fixture::on_every_store(&[]) {
        let key = fixture.put(content).await.unwrap();
        assert!(fixture.content(&key).await.unwrap() == content);
    }
}

#[tokio::test]
async fn an_upload_that_is_there_may_be_taken() {
    for fixture in Fixture::on_every_store(&[]) {
        let key = fixture.put(PNG).await.unwrap();
        for _ in 0..2 {
            fixture.store.check_for_taking(&key).await.unwrap();
        }
        fixture.store.delete(&key).await.unwrap();
        let gone = fixture.store.check_for_taking(&key).await.unwrap_err();
        assert_eq!(gone.code(), Code::BodyInvalid);
    }
}

#[tokio::test]
async fn nothing_is_there_before_something_was_uploaded() {
    let key = PictureKey::parse("9f86d081884c7d659a2feaa0c55ad015.png").unwrap();
    for fixture in Fixture::on_every_store(&[]) {
        assert_eq!(fixture.content(&key).await, None);
        let refused = fixture.store.check_for_taking(&key).await.unwrap_err();
        assert_eq!(refused.code(), Code::BodyInvalid);
        fixture.store.delete(&key).await.unwrap();
        fixture.sweep(&[]).await;
        assert!(fixture.objects().await.is_empty());
    }
}

#[tokio::test]
async fn a_sweep_leaves_what_is_young() {
    for fixture in Fixture::on_every_store(&[]) {
        let young = fixture.put(GIF).await.unwrap();
        fixture.sweep(&[]).await;
        assert_eq!(fixture.content(&young).await.unwrap(), GIF);
    }
}
