//! Decides from a prompt what kind of picture it will be, when, in what weather, and with what.

use super::random::{Random, hash_text};
use super::words::{Reading, Thing, read};

/// What kind of picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sky above land or water.
    Landscape,
    /// Planets and stars.
    Space,
    /// Things on a table.
    StillLife,
    /// Somebody, from the chest up.
    Portrait,
    /// Forms only.
    Abstract,
}

/// The time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// Before the sun is up.
    Dawn,
    /// Full light.
    Day,
    /// The sun is going.
    Dusk,
    /// Dark.
    Night,
}

/// What is painted.
#[derive(Debug, Clone)]
pub struct Scene {
    /// What kind of picture.
    pub kind: Kind,
    /// The time of day.
    pub time: Time,
    /// Everything the prompt named and the negative prompt did not, and what was added so that
    /// the picture is whole.
    pub reading: Reading,
    /// Chance, from prompt and seed.
    pub random: Random,
    /// Chance from the words alone: what stays when only the seed changes.
    pub character: u64,
}

impl Scene {
    /// Reads the texts.
    pub fn new(prompt: &str, negative: &str, seed: u32) -> Self {
        let mut reading = read(prompt);
        let unwanted = read(negative);
        reading.remove(&unwanted);
        let character = hash_text(&prompt.trim().to_lowercase());
        let random = Random::new(character ^ (u64::from(seed) << 17) ^ u64::from(seed));
        let kind = kind_of(&reading, character);
        let time = time_of(&reading, &unwanted, kind, character);
        let mut scene = Self {
            kind,
            time,
            reading,
            random,
            character,
        };
        if kind == Kind::Landscape {
            scene.complete(&unwanted);
        }
        scene
    }

    /// Whether a thing is in the picture.
    pub fn has(&self, thing: Thing) -> bool {
        self.reading.has(thing)
    }

    /// Whether any of these is in the picture.
    pub fn has_any(&self, things: &[Thing]) -> bool {
        things.iter().any(|thing| self.has(*thing))
    }

    /// Whether snow lies.
    pub fn is_white(&self) -> bool {
        self.has_any(&[Thing::Snow, Thing::Winter])
    }

    /// Whether the foreground is water.
    pub fn is_water(&self) -> bool {
        self.has_any(&[Thing::Sea, Thing::Lake, Thing::River])
    }

    // Some things need their place, and every picture needs one.
    fn complete(&mut self, unwanted: &Reading) {
        use Thing::{
            Boat, City, Desert, Forest, Harbour, Hill, Lake, Lighthouse, Meadow, Mountain, River,
            Sea, Town, Whale,
        };
        let character = self.character;
        if self.has(Harbour) {
            self.add(&[Town, Sea, Boat], unwanted);
        }
        if self.has_any(&[Boat, Lighthouse, Whale]) && !self.is_water() {
            self.add(&[Sea], unwanted);
        }
        if self.has(Town) && !self.has(Mountain) && !character.is_multiple_of(4) {
            self.add(&[Hill], unwanted);
        }
        let shore = [Mountain, Hill, Forest, Sea, City, Town];
        if self.has_any(&[Lake, River]) && !self.has_any(&shore) {
            let across = if character.is_multiple_of(2) {
                Mountain
            } else {
                Hill
            };
            self.add(&[across], unwanted);
        }
        let places = [
            Mountain, Hill, Forest, Sea, Lake, Desert, Meadow, City, Town,
        ];
        if !self.has_any(&places) {
            self.add(self.some_place(), unwanted);
        }
    }

    fn some_place(&self) -> &'static [Thing] {
        use Thing::{Castle, Forest, Hill, House, Lake, Meadow, Mountain, Tree};
        if self.has_any(&[House, Castle, Tree]) {
            return &[Hill, Meadow];
        }
        match self.character % 5 {
            0 => &[Mountain, Lake],
            1 => &[Hill, Meadow, Tree],
            2 => &[Mountain, Forest],
            3 => &[Hill, Meadow],
            _ => &[Mountain, Meadow],
        }
    }

    fn add(&mut self, things: &[Thing], unwanted: &Reading) {
        for thing in things {
            if !unwanted.has(*thing) && !self.has(*thing) {
                self.reading.things.push(*thing);
            }
        }
    }
}

fn kind_of(reading: &Reading, character: u64) -> Kind {
    use Thing::{
        Abstract, Apple, Bowl, Candle, Cherry, Cup, Flower, Geometric, Lemon, Marble, Orange, Pear,
        Planet, Portrait, Rocket, Space, StillLife, Vase, Waves,
    };
    let any = |things: &[Thing]| things.iter().any(|thing| reading.has(*thing));
    let places = [
        Thing::Mountain,
        Thing::Hill,
        Thing::Forest,
        Thing::Sea,
        Thing::Lake,
        Thing::River,
        Thing::Desert,
        Thing::Meadow,
        Thing::City,
        Thing::Town,
        Thing::Harbour,
    ];
    let tabletop = [
        StillLife, Lemon, Orange, Apple, Pear, Cherry, Bowl, Vase, Cup, Candle,
    ];
    if any(&[Abstract, Geometric, Marble, Waves]) {
        return Kind::Abstract;
    }
    if any(&[Portrait]) {
        return Kind::Portrait;
    }
    if any(&[Space, Planet, Rocket]) && !any(&places) {
        return Kind::Space;
    }
    if any(&tabletop) && !any(&places) || any(&[StillLife]) {
        return Kind::StillLife;
    }
    if any(&[Flower]) && reading.things.len() == 1 {
        return Kind::StillLife;
    }
    let shows_a_place = reading.things.iter().any(|thing| *thing < Thing::Calm);
    if !shows_a_place && (!reading.colors.is_empty() || character.is_multiple_of(3)) {
        return Kind::Abstract;
    }
    Kind::Landscape
}

fn time_of(reading: &Reading, unwanted: &Reading, kind: Kind, character: u64) -> Time {
    let named = [
        (Thing::Night, Time::Night),
        (Thing::Dusk, Time::Dusk),
        (Thing::Dawn, Time::Dawn),
        (Thing::Day, Time::Day),
        (Thing::Aurora, Time::Night),
        (Thing::Stars, Time::Night),
        (Thing::Moon, Time::Night),
    ];
    if let Some((_, time)) = named.iter().find(|(thing, _)| reading.has(*thing)) {
        return *time;
    }
    if kind != Kind::Landscape || reading.has(Thing::Rainbow) || reading.has(Thing::Spring) {
        return Time::Day;
    }
    let choice = match (character >> 8) % 8 {
        0..=2 => Time::Day,
        3 | 4 => Time::Dusk,
        5 | 6 => Time::Dawn,
        _ => Time::Night,
    };
    let refused = |thing| unwanted.has(thing);
    match choice {
        Time::Night if refused(Thing::Night) => Time::Day,
        Time::Dusk if refused(Thing::Dusk) => Time::Dawn,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_choose_their_picture() {
        let kind = |prompt: &str| Scene::new(prompt, "", 1).kind;
        assert_eq!(kind("a fox in a snowy forest at dusk"), Kind::Landscape);
        assert_eq!(kind("abstract red and gold"), Kind::Abstract);
        assert_eq!(kind("a bowl of lemons"), Kind::StillLife);
        assert_eq!(kind("a planet with rings in deep space"), Kind::Space);
        assert_eq!(kind("portrait of a woman"), Kind::Portrait);
        assert_eq!(kind("red and blue"), Kind::Abstract);
    }

    #[test]
    fn the_negative_prompt_removes() {
        let scene = Scene::new("a lake with a boat at night", "boat, night", 1);
        assert!(!scene.has(Thing::Boat));
        assert_ne!(scene.time, Time::Night);
    }

    #[test]
    fn every_landscape_has_a_place() {
        for prompt in [
            "a fox",
            "hello world",
            "quarterly report",
            "",
            "an owl",
            "spring",
        ] {
            let scene = Scene::new(prompt, "", 1);
            let placed = scene
                .reading
                .things
                .iter()
                .any(|it| (Thing::Mountain..=Thing::Harbour).contains(it));
            assert!(placed || scene.kind != Kind::Landscape, "{prompt}");
        }
    }
}
