//! Enums whose values are stable words that programs rely on.

/// Defines an enum and, from the same list, the word of each value: `ALL`, `as_str` and `Display`.
#[macro_export]
macro_rules! words {
    ($(#[$of_enum:meta])* $vis:vis enum $name:ident {
        $($(#[$of_value:meta])* $value:ident = $word:literal,)+
    }) => {
        $(#[$of_enum])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name {
            $($(#[$of_value])* $value,)+
        }

        impl $name {
            /// All values, in the order of their definition.
            $vis const ALL: &'static [Self] = &[$(Self::$value),+];

            /// The stable word.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
