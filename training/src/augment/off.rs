//! Settings whose values without a recipe change nothing.

/// Declares the settings of a step, each with its value while a recipe does not name it.
macro_rules! off {
    ($(#[$meta:meta])* pub struct $name:ident {
        $($(#[$field_meta:meta])* pub $field:ident: $type:ty = $value:expr,)*
    }) => {
        $(#[$meta])*
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $name {
            /// Changes no image.
            pub const OFF: Self = Self { $($field: $value,)* };

            const fn off() -> Self {
                Self::OFF
            }
        }
    };
}

pub(super) use off;
