/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a terminal was sent, as plain text. The kinds of sequences are those of ECMA-48, chapter 5.
 */
#include "lodge-plain-text.h"

#include <string.h>

enum {
  TEXT,
  RETURN,  /* a carriage return */
  LEAD,    /* 0xc2, behind which the controls of C1 are in UTF-8 */
  ESCAPE,  /* ESC, and what may be between it and its last character */
  CONTROL, /* ESC [ */
  STRING,  /* ESC ], ESC P, ESC X, ESC ^, ESC _ */
  STRING_ESCAPE,
};

/* A string without an end would hide everything that follows. */
#define LONGEST 4096

static void
put (GByteArray *out, guint8 byte)
{
  g_byte_array_append (out, &byte, 1);
}

static guint
after_introducer (guint8 byte)
{
  switch (byte) {
  case '[':
    return CONTROL;
  case ']':
  case 'P':
  case 'X':
  case '^':
  case '_':
    return STRING;
  default:
    /* Intermediate characters; else this was the last. */
    return byte >= 0x20 && byte < 0x30 ? ESCAPE : TEXT;
  }
}

static guint
take_text (guint8 byte, GByteArray *out)
{
  if (byte == '\r')
    return RETURN;
  if (byte == 0x1b)
    return ESCAPE;
  if (byte == 0xc2)
    return LEAD;
  if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f))
    put (out, byte);
  return TEXT;
}

static guint
take_lead (guint8 byte, GByteArray *out)
{
  if (byte >= 0x80 && byte < 0xa0)
    return after_introducer (byte - 0x40);
  put (out, 0xc2);
  return take_text (byte, out);
}

static guint
take (guint state, guint8 byte, GByteArray *out)
{
  switch (state) {
  case RETURN:
    /* Alone it begins the same line again, as a progress bar does. */
    if (byte == '\r')
      return RETURN;
    if (byte != '\n')
      put (out, '\n');
    return take_text (byte, out);
  case LEAD:
    return take_lead (byte, out);
  case ESCAPE:
    return byte < 0x20 ? take_text (byte, out) : after_introducer (byte);
  case CONTROL:
    if (byte < 0x20)
      return take_text (byte, out);
    return byte >= 0x40 && byte < 0x7f ? TEXT : CONTROL;
  case STRING:
    /* Ends with BEL as in xterm, with ESC \, or with CAN and SUB. */
    if (byte == 0x07 || byte == 0x18 || byte == 0x1a)
      return TEXT;
    return byte == 0x1b ? STRING_ESCAPE : STRING;
  case STRING_ESCAPE:
    return byte == '\\' ? TEXT : STRING;
  default:
    return take_text (byte, out);
  }
}

void
lodge_plain_text_filter (LodgePlainText *self, const guint8 *data, gsize length, GByteArray *out)
{
  g_return_if_fail (self != NULL && out != NULL);

  for (gsize i = 0; i < length; i++) {
    const guint before = self->state;

    self->state = take (before, data[i], out);
    self->length = self->state >= ESCAPE ? self->length + 1 : 0;
    if (self->length > LONGEST) {
      self->state = TEXT;
      self->length = 0;
    }
  }
}

/* Control characters, and the marks that embed or isolate text of the other direction: with those a
 * name can show as another one (Unicode TR 36, section 2.4). */
gboolean
lodge_plain_text_is_harmful (gunichar character)
{
  return g_unichar_iscntrl (character) || (character >= 0x202a && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069) || character == 0x200e ||
         character == 0x200f || character == 0x2028 || character == 0x2029;
}

char *
lodge_plain_text_dup_line (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *out = g_string_sized_new (strlen (valid));

  for (const char *c = valid; *c != '\0'; c = g_utf8_next_char (c)) {
    gunichar character = g_utf8_get_char (c);

    g_string_append_unichar (out, lodge_plain_text_is_harmful (character) ? 0xfffd : character);
  }
  return g_string_free (out, FALSE);
}
