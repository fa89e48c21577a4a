/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libraries allocate before main() is not counted as leaks: GLib makes its first table of
 * quarks as it is loaded, and leaves it where it is when a bigger one replaces it, because threads
 * read it without a lock. Only in builds with AddressSanitizer, and whole in each program: nothing
 * calls this. */
#include "lodge-library-leaks.h"

typedef void (*Initialiser) (int argc, char **argv, char **environment);

/* Before AddressSanitizer is set up or after it, as the linker puts them: this only counts. */
__attribute__ ((no_sanitize_address)) static void
before_libraries (int argc, char **argv, char **environment)
{
  lodge_library_leaks_begin ();
}

/* The loader calls a program's own before the constructors of its libraries ... */
__attribute__ ((section (".preinit_array"), used)) static const Initialiser first =
    before_libraries;

/* ... and its constructors after them; this one before others of the program. */
__attribute__ ((constructor (101))) static void
after_libraries (void)
{
  lodge_library_leaks_end ();
}
