//! Every decision of a run: drawn from a seed, or replayed.

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// An index, as often as its weight says.
    fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u32 = weights.iter().sum();
        let mut rest = u32::try_from(self.next() % u64::from(total)).unwrap();
        weights
            .iter()
            .position(|weight| {
                let found = rest < *weight;
                rest = rest.saturating_sub(*weight);
                found
            })
            .unwrap_or_default()
    }
}

/// One decision that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) taken: u16,
    /// Between how many.
    pub(crate) of: u16,
}

/// Takes decisions and remembers them. The first option is always the harmless one, so that a sequence of
/// decisions that ends early goes on without faults and without interleaving.
#[derive(Debug)]
pub(crate) struct Choices {
    given: Vec<u16>,
    random: Option<Random>,
    pub(crate) taken: Vec<Choice>,
}

impl Choices {
    pub(crate) fn random(seed: u64) -> Self {
        Self { given: Vec::new(), random: Some(Random::new(seed)), taken: Vec::new() }
    }

    /// These decisions, then the harmless ones.
    pub(crate) fn replay(given: &[u16]) -> Self {
        Self { given: given.to_vec(), random: None, taken: Vec::new() }
    }

    /// Chooses between as many options as there are weights; one of weight 0 is not available.
    pub(crate) fn pick(&mut self, weights: &[u32]) -> usize {
        let index = match (&mut self.random, self.given.get(self.taken.len())) {
            (Some(random), _) => random.weighted(weights),
            (None, Some(given)) => usize::from(*given),
            (None, None) => 0,
        };
        let first = weights.iter().position(|weight| *weight > 0).unwrap_or_default();
        let index = if weights.get(index).is_some_and(|weight| *weight > 0) { index } else { first };
        self.taken.push(Choice {
            taken: u16::try_from(index).unwrap(),
            of: u16::try_from(weights.len()).unwrap(),
        });
        index
    }
}
