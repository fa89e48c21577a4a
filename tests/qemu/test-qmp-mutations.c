/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The QMP client against thousands of damaged conversations: it answers or it closes, and never
 * waits, crashes or says "closed" twice. The seed GLib prints repeats a run: --seed. */
#include "qemu/lodge-qmp-message.h"
#include "qemu/lodge-qmp.h"

#include "fake-qmp.h"
#include "lodge-error.h"

#include <string.h>

#define N_CONVERSATIONS 2000
#define N_LINES         20000
#define LONG_MS         30000

static const char *const greetings[] = {
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": "
    "\"Debian\"}, \"capabilities\": [\"oob\"]}}\r\n",
};

static const char *const answers[] = {
    "{\"return\": {}, \"id\": @ID@}\r\n",
    "{\"return\": {\"status\": \"running\", \"singlestep\": false, \"running\": true}, \"id\": "
    "@ID@}\r\n",
    "{\"event\": \"RESUME\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n{\"return\": "
    "[{\"name\": \"a\", \"list\": [1, 2.5e3, null, -0, true]}], \"id\": @ID@}\r\n",
    "{\"id\": @ID@, \"error\": {\"class\": \"GenericError\", \"desc\": \"No \\\"such\\\" "
    "\\u00e9\\ud83d\\ude00\"}}\r\n{\"event\": \"STOP\", \"data\": {\"a\": {\"b\": []}}}\r\n",
};

static const char *const pieces[] = {
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\\",
    "\n",
    "\r\n",
    "null",
    "-",
    "1e999",
    "0x10",
    "\\u0000",
    "\\ud800",
    "/*",
    "*/",
    "//",
    "'",
    "\xff",
    "\xc3",
    "\xed\xa0\x80",
    "\t",
    "\"id\"",
    "\"return\"",
    "\"event\"",
    "\"error\"",
    "\"QMP\"",
    "\"data\"",
    "99999999999999999999",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
};

static guint
random_below (guint limit)
{
  return limit > 0 ? (guint) g_test_rand_int_range (0, limit) : 0;
}

static void
mutate_once (GString *text)
{
  gsize at = random_below (text->len + 1);
  gsize length = random_below (MIN (12, text->len - at) + 1);
  g_autofree char *span = g_strndup (text->str + at, length);

  switch (random_below (6)) {
  case 0:
    if (at < text->len)
      text->str[at] = (char) random_below (256);
    break;
  case 1:
    g_string_erase (text, at, length);
    break;
  case 2:
    g_string_insert (text, random_below (text->len + 1), span);
    break;
  case 3:
    g_string_truncate (text, at);
    break;
  default:
    g_string_insert (text, at, pieces[random_below (G_N_ELEMENTS (pieces))]);
    break;
  }
}

/* NUL ends the texts the fake takes: one that comes up becomes a space. */
static char *
mutate (const char *text)
{
  GString *mutated = g_string_new (text);
  guint n = random_below (4);

  for (guint i = 0; i < n; i++)
    mutate_once (mutated);
  for (gsize i = 0; i < mutated->len; i++) {
    if (mutated->str[i] == '\0')
      mutated->str[i] = ' ';
  }
  return g_string_free (mutated, FALSE);
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

static void
event_cb (LodgeQmp *qmp, const char *name, JsonObject *data, gpointer user_data)
{
  g_assert_nonnull (name);
  g_assert_nonnull (data);
}

static void
closed_cb (LodgeQmp *qmp, guint *n_closed)
{
  ++*n_closed;
}

static LodgeQmp *
connect_to (FakeQmp *fake)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  LodgeQmp *qmp;

  lodge_qmp_connect_async (fake_qmp_get_path (fake), LONG_MS, 0, NULL, done_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  qmp = lodge_qmp_connect_finish (result, &error);
  g_assert_true ((qmp == NULL) == (error != NULL));
  if (error != NULL)
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
  return qmp;
}

/* Asks one thing that gets a damaged answer, and one that makes the other end hang up. Returns
 * whether the first was answered. */
static gboolean
talk (LodgeQmp *qmp)
{
  GAsyncResult *results[2] = {NULL};
  gboolean answered = FALSE;
  guint n_closed = 0;

  g_signal_connect (qmp, "event", G_CALLBACK (event_cb), NULL);
  g_signal_connect (qmp, "closed", G_CALLBACK (closed_cb), &n_closed);
  lodge_qmp_execute_async (qmp, "x", NULL, LONG_MS, NULL, done_cb, &results[0]);
  lodge_qmp_execute_async (qmp, "bye", NULL, LONG_MS, NULL, done_cb, &results[1]);
  while (n_closed == 0)
    g_main_context_iteration (NULL, TRUE);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (n_closed, ==, 1);
  g_assert_true (lodge_qmp_is_closed (qmp));

  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node = NULL;

    g_assert_nonnull (results[i]); /* all had ended when "closed" was heard */
    node = lodge_qmp_execute_finish (qmp, results[i], &error);
    g_assert_true ((node == NULL) == (error != NULL));
    if (error != NULL) {
      g_assert_error (error, LODGE_ERROR, LODGE_ERROR_FAILED);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_null (strchr (error->message, '\n'));
    }
    answered |= i == 0 && node != NULL;
    g_object_unref (results[i]);
  }
  return answered;
}

static void
test_conversations (void)
{
  guint n_unconnected = 0, n_answered = 0;

  for (guint i = 0; i < N_CONVERSATIONS; i++) {
    g_autoptr (FakeQmp) fake = fake_qmp_new ();
    g_autofree char *answer = mutate (answers[random_below (G_N_ELEMENTS (answers))]);
    LodgeQmp *qmp;

    if (random_below (8) == 0) {
      g_autofree char *greeting = mutate (greetings[0]);

      fake_qmp_set_greeting (fake, greeting);
      fake_qmp_set_hang_up_after_greeting (fake, TRUE);
    }
    if (random_below (4) == 0)
      fake_qmp_set_piece_bytes (fake, 1 + random_below (40));
    fake_qmp_answer_raw (fake, "x", answer);
    fake_qmp_hang_up_on (fake, "bye");

    qmp = connect_to (fake);
    if (qmp == NULL) {
      n_unconnected++;
      continue;
    }
    n_answered += talk (qmp);
    g_object_add_weak_pointer (G_OBJECT (qmp), (gpointer *) &qmp);
    g_object_unref (qmp);
    g_assert_null (qmp);
  }
  g_test_message ("%u not connected, %u answered, of %u", n_unconnected, n_answered,
                  (guint) N_CONVERSATIONS);
  /* Else the damage done would be of one kind only. */
  g_assert_cmpuint (n_unconnected, >, N_CONVERSATIONS / 100);
  g_assert_cmpuint (n_answered, >, N_CONVERSATIONS / 10);
  g_assert_cmpuint (n_answered + n_unconnected, <, N_CONVERSATIONS * 9 / 10);
}

static void
test_lines (void)
{
  guint n_read = 0;

  for (guint i = 0; i < N_LINES; i++) {
    g_auto (GStrv) parts = g_strsplit (answers[random_below (G_N_ELEMENTS (answers))], "@ID@", -1);
    g_autofree char *whole = g_strjoinv ("7", parts);
    g_autofree char *line = mutate (whole);
    g_autoptr (GError) error = NULL;
    g_autoptr (LodgeQmpMessage) message =
        lodge_qmp_message_parse (line, strcspn (line, "\n"), &error);

    g_assert_true ((message == NULL) == (error != NULL));
    if (message == NULL)
      continue;
    n_read++;
    g_assert_true ((message->data != NULL) == (message->kind == LODGE_QMP_MESSAGE_EVENT));
    g_assert_true ((message->value != NULL) == (message->kind == LODGE_QMP_MESSAGE_RETURN));
    g_assert_true ((message->text != NULL) == (message->kind == LODGE_QMP_MESSAGE_EVENT ||
                                               message->kind == LODGE_QMP_MESSAGE_ERROR));
    if (message->text != NULL)
      g_assert_true (g_utf8_validate (message->text, -1, NULL));
    if (message->value != NULL) {
      g_autofree char *text = json_to_string (message->value, FALSE);

      g_assert_true (g_utf8_validate (text, -1, NULL));
    }
  }
  g_test_message ("%u of %u lines were read", n_read, (guint) N_LINES);
  g_assert_cmpuint (n_read, >, 0);
  g_assert_cmpuint (n_read, <, N_LINES);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qmp-mutations/lines", test_lines);
  g_test_add_func ("/qmp-mutations/conversations", test_conversations);
  return g_test_run ();
}
