//! Enums whose values have numbers in the C API and names in its texts: all three in one table.

/// `numbered! { pub enum Side { Left = 1 "left", Right = 2 "right" } }`: the enum, `ALL`, `from_number`, `name` and `Display`.
#[macro_export]
macro_rules! numbered {
    ($(#[$meta:meta])* pub enum $enum:ident {
        $($(#[$doc:meta])* $value:ident = $number:literal $name:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        #[repr(i32)]
        pub enum $enum {
            $($(#[$doc])* $value = $number,)*
        }

        impl $enum {
            /// Every value.
            pub const ALL: &[$enum] = &[$($enum::$value),*];

            /// The value with the given number in the C API.
            pub const fn from_number(number: i32) -> Option<$enum> {
                match number {
                    $($number => Some($enum::$value),)*
                    _ => None,
                }
            }

            /// Its name in texts of the C API, without the enumeration's.
            pub const fn name(self) -> &'static str {
                match self {
                    $($enum::$value => $name,)*
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}
