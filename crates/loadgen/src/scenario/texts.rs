//! Texts of a fixed vocabulary, Korean and English, so that searches have few, some and many hits.
//!
//! A text depends on nothing but its room and its number there: whoever fills a server again fills
//! it with the same. Common words come often and others seldom, as in any language.

/// The commonest words, which most texts have; one for each language, as below.
pub(super) const COMMON: [&str; 2] = ["배송", "delivery"];
/// In one text of a thousand.
pub(super) const SOME: [&str; 2] = ["보증", "warranty"];
/// In one text of a hundred thousand, and in the first of each room of [`MARKED_FROM`] texts.
pub(super) const RARE: [&str; 2] = ["홍학", "flamingo"];
/// In no text.
pub(super) const ABSENT: &str = "얼룩말";

/// What a room's first text is marked from: the dearest search of a room is the one that finds it.
pub(super) const MARKED_FROM: u32 = 1_000;

/// Ahead of the number at a text's end.
const NUMBER_MARK: &str = " #";

const KOREAN: [&str; 64] = [
    "배송",
    "주문",
    "결제",
    "환불",
    "교환",
    "상품",
    "확인",
    "문의",
    "오늘",
    "내일",
    "어제",
    "시간",
    "주소",
    "전화",
    "번호",
    "사진",
    "가격",
    "할인",
    "쿠폰",
    "포인트",
    "회원",
    "계정",
    "로그인",
    "비밀번호",
    "강의",
    "영상",
    "재생",
    "화면",
    "소리",
    "오류",
    "설치",
    "업데이트",
    "산책",
    "강아지",
    "고양이",
    "사료",
    "병원",
    "예방",
    "접종",
    "공원",
    "모임",
    "약속",
    "장소",
    "버스",
    "지하철",
    "주말",
    "경기",
    "연습",
    "운동장",
    "유니폼",
    "신발",
    "회비",
    "날씨",
    "우산",
    "점심",
    "저녁",
    "커피",
    "감사",
    "죄송",
    "부탁",
    "괜찮",
    "가능",
    "필요",
    "완료",
];

const PARTICLES: [&str; 16] = [
    "이",
    "가",
    "을",
    "를",
    "은",
    "는",
    "에",
    "에서",
    "으로",
    "하고",
    "도",
    "만",
    "부터",
    "까지",
    "입니다",
    "했어요",
];

const ENGLISH: [&str; 96] = [
    "delivery",
    "order",
    "payment",
    "refund",
    "exchange",
    "product",
    "check",
    "question",
    "today",
    "tomorrow",
    "yesterday",
    "time",
    "address",
    "phone",
    "number",
    "photo",
    "price",
    "discount",
    "coupon",
    "points",
    "member",
    "account",
    "login",
    "password",
    "course",
    "video",
    "playback",
    "screen",
    "sound",
    "error",
    "install",
    "update",
    "walk",
    "puppy",
    "kitten",
    "food",
    "clinic",
    "vaccine",
    "park",
    "meeting",
    "promise",
    "place",
    "bus",
    "subway",
    "weekend",
    "match",
    "practice",
    "field",
    "uniform",
    "shoes",
    "fee",
    "weather",
    "umbrella",
    "lunch",
    "dinner",
    "coffee",
    "thanks",
    "sorry",
    "please",
    "okay",
    "possible",
    "needed",
    "done",
    "when",
    "where",
    "which",
    "there",
    "here",
    "this",
    "that",
    "have",
    "with",
    "from",
    "about",
    "again",
    "still",
    "already",
    "never",
    "always",
    "maybe",
    "really",
    "very",
    "small",
    "large",
    "red",
    "blue",
    "green",
    "black",
    "white",
    "new",
    "old",
    "first",
    "last",
    "next",
    "open",
    "closed",
];

/// Words of a text, without its number.
const WORDS: std::ops::Range<u64> = 5..16;

/// The text numbered `number`, from 1, in the room numbered `room`, which is to have `of`.
pub(super) fn text(room: usize, number: u32, of: u32) -> String {
    let mut draw = Draw::new(room as u64, u64::from(number));
    let language = usize::from(draw.below(4) == 0);
    let words = WORDS.start + draw.below(WORDS.end - WORDS.start);
    let mut out = String::with_capacity(192);
    for at in 0..words {
        if at > 0 {
            out.push(' ');
        }
        match language {
            0 => {
                out.push_str(draw.word(&KOREAN));
                out.push_str(draw.word(&PARTICLES));
            }
            _ => out.push_str(draw.word(&ENGLISH)),
        }
    }
    let is_marked = number == 1 && of >= MARKED_FROM;
    for (words, one_in) in [(SOME, 1_000), (RARE, 100_000)] {
        if draw.below(one_in) == 0 || (is_marked && words == RARE) {
            out.push(' ');
            out.push_str(words[language]);
        }
    }
    out.push_str(NUMBER_MARK);
    out.push_str(&number.to_string());
    out
}

/// The number at the end of a text that [`text`] made.
pub(super) fn number_of(text: &str) -> Option<u32> {
    text.rsplit_once(NUMBER_MARK)?.1.parse().ok()
}

/// Numbers that look drawn by lot and are always the same.
#[derive(Debug)]
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(first: u64, second: u64) -> Draw {
        Draw(first.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ second.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `bound`, which is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// From 0 to below 1.
    pub(super) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Those in front come more often: the density falls with the square root of the place.
    pub(super) fn skewed_below(&mut self, bound: usize) -> usize {
        let fraction = self.fraction();
        ((fraction * fraction * bound as f64) as usize).min(bound - 1)
    }

    fn word<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.skewed_below(words.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_always_the_same_and_tells_its_number() {
        assert_eq!(text(3, 17, 50), text(3, 17, 50));
        assert_ne!(text(3, 17, 50), text(4, 17, 50));
        assert_eq!(number_of(&text(3, 17, 50)), Some(17));
        assert_eq!(number_of("a #b"), None);
    }

    #[test]
    fn words_come_as_often_as_they_say() {
        let texts: Vec<String> = (0..100)
            .flat_map(|room| (1..=1000).map(move |number| text(room, number, 1000)))
            .collect();
        let with = |words: [&str; 2]| {
            let has = |text: &&String| words.iter().any(|word| text.contains(word));
            texts.iter().filter(has).count()
        };
        assert!(with(COMMON) > texts.len() / 2);
        assert!((50..200).contains(&with(SOME)), "{}", with(SOME));
        // The first of each room, and about one more.
        assert!((100..110).contains(&with(RARE)), "{}", with(RARE));
        assert_eq!(with([ABSENT; 2]), 0);
        let korean = texts.iter().filter(|text| !text.is_ascii()).count();
        assert!((70_000..80_000).contains(&korean), "{korean}");
    }
}
