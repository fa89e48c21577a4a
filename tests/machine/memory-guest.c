/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See memory-guest.h. */
#include "memory-guest.h"

#include "qemu/lodge-unix-socket.h"
#include "test-wait.h"

static gboolean
has_terminal (LodgeMachine *machine)
{
  g_autoptr (GVariant) list = g_variant_ref_sink (lodge_machine_list_terminals (machine));

  return g_variant_n_children (list) > 0;
}

/* A QEMU that a new engine found busy is asked again, and has no terminals meanwhile. */
static GSocket *
look (LodgeMachine *machine)
{
  g_autoptr (GVariant) list = NULL;
  const char *id, *label, *path;
  int saved_errno = 0;
  GSocket *client;

  test_wait_until (has_terminal (machine));
  list = g_variant_ref_sink (lodge_machine_list_terminals (machine));
  g_variant_get_child (list, 0, "(&s&s&s)", &id, &label, &path);
  g_assert_cmpstr (id, ==, "serial");
  client = lodge_unix_socket_connect (path, &saved_errno);
  g_assert_cmpint (saved_errno, ==, 0);
  return client;
}

/* What a guest answers to @text; asked until it does, for it may still be in its BIOS. The relay
 * first tells what was said before: only the last byte is the answer. */
char
memory_guest_ask (LodgeMachine *machine, const char *text)
{
  g_autoptr (GSocket) client = look (machine);
  char last = 0;

  for (guint i = 0; i < TEST_WAIT_S * 4; i++) {
    char chunk[1024];
    gssize length;
    gboolean answered = FALSE;

    /* Until it is quiet. */
    do
      test_wait_ms (100);
    while (g_socket_receive (client, chunk, sizeof chunk, NULL, NULL) > 0);
    g_assert_cmpint (g_socket_send (client, text, 1, NULL, NULL), ==, 1);
    for (guint j = 0; j < 25 && !answered; j++) {
      test_wait_ms (10);
      while ((length = g_socket_receive (client, chunk, sizeof chunk, NULL, NULL)) > 0) {
        last = chunk[length - 1];
        answered = TRUE;
      }
    }
    if (answered)
      return last;
  }
  g_assert_not_reached ();
}

void
memory_guest_tell (LodgeMachine *machine, const char *text)
{
  /* Again: what it had said before, and the answer of one that was slow, may come in between. */
  for (guint i = 0; i < 10; i++) {
    if (memory_guest_ask (machine, text) == text[0] && memory_guest_ask (machine, "?") == text[0])
      return;
  }
  g_assert_not_reached ();
}

void
memory_guest_end (LodgeMachine *machine, const char *text)
{
  g_autoptr (GSocket) client = look (machine);

  for (guint i = 0; i < TEST_WAIT_S * 10; i++) {
    if (lodge_machine_get_state (machine) == LODGE_STATE_OFF)
      return;
    /* Fails once QEMU is gone. */
    (void) g_socket_send (client, text, 1, NULL, NULL);
    test_wait_ms (100);
  }
  g_assert_not_reached ();
}
