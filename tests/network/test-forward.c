/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forward rules: what is read, how it is written, what is refused. */
#include "lodge-error.h"
#include "network/lodge-forward.h"

#include <string.h>

static void
test_parse (void)
{
  static const struct {
    const char *rule;
    const char *full;
  } rows[] = {
      {"tcp:2222:22", "tcp:127.0.0.1:2222:22"},
      {"udp:5353:53", "udp:127.0.0.1:5353:53"},
      {"tcp:127.0.0.1:2222:22", "tcp:127.0.0.1:2222:22"},
      {"tcp:0.0.0.0:1:65535", "tcp:0.0.0.0:1:65535"},
      {"tcp:65535:1", "tcp:127.0.0.1:65535:1"},
      {"tcp:[::1]:2222:22", "tcp:[::1]:2222:22"},
      {"tcp:[0:0:0:0:0:0:0:1]:2222:22", "tcp:[::1]:2222:22"},
      {"tcp:[::]:80:80", "tcp:[::]:80:80"},
      {"tcp:02222:022", "tcp:127.0.0.1:2222:22"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *full = NULL;
    g_autofree char *again = NULL;
    LodgeForward forward;

    g_assert_true (lodge_forward_parse (rows[i].rule, &forward, &error));
    g_assert_no_error (error);
    full = lodge_forward_format (&forward);
    g_assert_cmpstr (full, ==, rows[i].full);
    /* What is written is read as the same. */
    g_assert_true (lodge_forward_parse (full, &forward, NULL));
    again = lodge_forward_format (&forward);
    g_assert_cmpstr (again, ==, full);
  }
}

static void
test_fields (void)
{
  LodgeForward forward;

  g_assert_true (lodge_forward_parse ("udp:192.0.2.1:8053:53", &forward, NULL));
  g_assert_true (forward.udp);
  g_assert_cmpstr (forward.address, ==, "192.0.2.1");
  g_assert_cmpuint (forward.host_port, ==, 8053);
  g_assert_cmpuint (forward.guest_port, ==, 53);
}

static void
test_refuse (void)
{
  static const char *const rows[] = {
      "",
      "tcp",
      "tcp:",
      "tcp:22",
      "tcp::22",
      "tcp:2222:",
      "sctp:2222:22",
      "TCP:2222:22",
      "tcp:2222:22:",
      "tcp:-1:22",
      "tcp:+1:22",
      "tcp: 1:22",
      "tcp:1:22 ",
      "tcp:0x16:22",
      "tcp:2222:ssh",
      "tcp:localhost:2222:22",
      "tcp:127.1:2222:22",
      "tcp:300.0.0.1:2222:22",
      "tcp::1:2222:22",
      "tcp:::1:2222:22",
      "tcp:[::1:2222:22",
      "tcp:[::1]2222:22",
      "tcp:[::1]:2222",
      "tcp:[127.0.0.1]:2222:22",
      "tcp:[::ffff:127.0.0.1]:2222:22",
      "tcp:[fe80::1%lo]:2222:22",
      "tcp:127.0.0.1:1:2222:22",
      "tcp:2222:22\n",
      "tcp:99999999999:22",
      "\xff\xfe:1:2",
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    LodgeForward forward = {.host_port = 7};

    if (lodge_forward_parse (rows[i], &forward, &error))
      g_error ("“%s” was taken for a forward", rows[i]);
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    g_assert_null (strchr (error->message, '\n'));
    /* Written only on success. */
    g_assert_cmpuint (forward.host_port, ==, 7);
  }
}

static void
test_ports (void)
{
  static const char *const rows[] = {"tcp:0:22", "tcp:2222:0", "udp:65536:22", "tcp:1:4294967297"};

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    LodgeForward forward;

    g_assert_false (lodge_forward_parse (rows[i], &forward, &error));
    g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
    g_assert_nonnull (strstr (error->message, "1 to 65535"));
  }
}

static void
test_udp6 (void)
{
  g_autoptr (GError) error = NULL;
  LodgeForward forward;

  g_assert_false (lodge_forward_parse ("udp:[::1]:5353:53", &forward, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "IPv4"));
}

static void
test_long (void)
{
  g_autofree char *rule = g_strnfill (100000, 'x');
  g_autoptr (GError) error = NULL;
  LodgeForward forward;

  g_assert_false (lodge_forward_parse (rule, &forward, &error));
  g_assert_error (error, LODGE_ERROR, LODGE_ERROR_INVALID);
  g_assert_cmpuint (strlen (error->message), <, 400);
}

static void
test_collide (void)
{
  static const struct {
    const char *a;
    const char *b;
    gboolean collide;
  } rows[] = {
      {"tcp:2222:22", "tcp:127.0.0.1:2222:23", TRUE},
      {"tcp:2222:22", "udp:2222:22", FALSE},
      {"tcp:2222:22", "tcp:2223:22", FALSE},
      {"tcp:2222:22", "tcp:[::1]:2222:22", FALSE},
      {"tcp:[::1]:2222:22", "tcp:[0::1]:2222:22", TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    LodgeForward a, b;

    g_assert_true (lodge_forward_parse (rows[i].a, &a, NULL));
    g_assert_true (lodge_forward_parse (rows[i].b, &b, NULL));
    g_assert_cmpint (lodge_forward_collides (&a, &b), ==, rows[i].collide);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/network/forward/parse", test_parse);
  g_test_add_func ("/network/forward/fields", test_fields);
  g_test_add_func ("/network/forward/refuse", test_refuse);
  g_test_add_func ("/network/forward/ports", test_ports);
  g_test_add_func ("/network/forward/udp6", test_udp6);
  g_test_add_func ("/network/forward/long", test_long);
  g_test_add_func ("/network/forward/collide", test_collide);
  return g_test_run ();
}
