/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lodge-share, which the guest may write through, with mutated requests. libphodav may fall over,
 * as it is in walls and started again; what must not happen is that anything outside of the folder
 * is read or changed, that the program does not come to an end of a request, or that it gets large.
 */
#include "lodge-config.h"
#include "share-guest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_REQUESTS 5000

#define LOCK_BODY                                                                                  \
  "<?xml version=\"1.0\"?><D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/></D:lockscope>"  \
  "<D:locktype><D:write/></D:locktype><D:owner>x</D:owner></D:lockinfo>"
#define PROP_BODY                                                                                  \
  "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"                \
  "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/>&e;</D:prop></D:propfind>"
#define PATCH_BODY                                                                                 \
  "<?xml version=\"1.0\"?><D:propertyupdate xmlns:D=\"DAV:\" xmlns:Z=\"z\"><D:set><D:prop><Z:a>b"  \
  "</Z:a></D:prop></D:set></D:propertyupdate>"

static const struct {
  const char *head;
  const char *body;
} seeds[] = {
    {"GET /a.txt HTTP/1.1\r\n", ""},
    {"GET /link HTTP/1.1\r\nRange: bytes=1-3\r\n", ""},
    {"GET /out/secret.txt HTTP/1.1\r\n", ""},
    {"PUT /b%20c.txt HTTP/1.1\r\nIf: (<urn:uuid:1>)\r\n", "text"},
    {"COPY /a.txt HTTP/1.1\r\nDestination: http://x/..%2foutside%2fevil\r\nDepth: 0\r\n", ""},
    {"MOVE /sub HTTP/1.1\r\nDestination: http://x/sub2/..%2f..%2foutside\r\nOverwrite: T\r\n", ""},
    {"COPY /sub HTTP/1.1\r\nDestination: http://x/out/evil\r\nDepth: infinity\r\n", ""},
    {"DELETE /out/secret.txt HTTP/1.1\r\n", ""},
    {"MKCOL /../outside/evil HTTP/1.1\r\n", ""},
    {"PROPFIND / HTTP/1.1\r\nDepth: 1\r\n", PROP_BODY},
    {"PROPPATCH /a.txt HTTP/1.1\r\n", PATCH_BODY},
    {"LOCK /a.txt HTTP/1.1\r\nTimeout: Second-10\r\nDepth: 0\r\n", LOCK_BODY},
    {"UNLOCK /a.txt HTTP/1.1\r\nLock-Token: <urn:uuid:1>\r\n", ""},
    {"OPTIONS * HTTP/1.1\r\n", ""},
};

/* What to put in, besides single bytes. */
static const char *const pieces[] = {"..",
                                     "/",
                                     "//",
                                     "%2f",
                                     "%2e",
                                     "%00",
                                     "\r\n",
                                     ":",
                                     "\xff",
                                     "-1",
                                     "99999999999999999999",
                                     "<",
                                     ">",
                                     "(",
                                     "http://x/",
                                     "/out/",
                                     "/.",
                                     "*",
                                     "&e;",
                                     "\"",
                                     "%"};

static GSubprocess *
start (ShareGuest *guest)
{
  int ends[2];

  if (guest->wire >= 0)
    close (guest->wire);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  guest->wire = ends[0];
  return share_guest_spawn (guest, ends[1], TRUE, "", NULL);
}

/* The folder as it was, whatever the guest has done to it. */
static void
restore (ShareGuest *guest)
{
  g_autofree char *command = g_strdup_printf (
      "rm -rf '%s'/* && mkdir -p '%s/sub' && echo alpha > '%s/a.txt' && echo beta > '%s/sub/b.txt' "
      "&& ln -s ../outside/secret.txt '%s/link' && ln -s ../outside '%s/out'",
      guest->folder, guest->folder, guest->folder, guest->folder, guest->folder, guest->folder);
  char *argv[] = {(char *) "sh", (char *) "-c", command, NULL};
  int status = 1;

  g_assert_true (
      g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

static GString *
mutate (GRand *rand, const char *text)
{
  GString *out = g_string_new (text);
  const guint n = g_rand_int_range (rand, 0, 4);

  for (guint i = 0; i < n && out->len > 0; i++) {
    gsize at = (gsize) g_rand_int_range (rand, 0, (gint32) out->len);

    switch (g_rand_int_range (rand, 0, 4)) {
    case 0:
      out->str[at] = (char) g_rand_int_range (rand, 1, 256);
      break;
    case 1:
      g_string_erase (out, (gssize) at, 1);
      break;
    case 2:
      g_string_insert (out, (gssize) at, pieces[g_rand_int_range (rand, 0, G_N_ELEMENTS (pieces))]);
      break;
    default:
      g_string_truncate (out, at);
      break;
    }
  }
  return out;
}

/* Sends a request and hears the answer to its end. %FALSE: the program fell over. */
static gboolean
ask (ShareGuest *guest, gint64 id, const GString *head, const GString *body)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GByteArray) data = g_byte_array_new ();
  gint64 from = 0;

  g_string_append_len (text, head->str, (gssize) head->len);
  g_string_append_printf (
      text, "Host: x\r\nConnection: close\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n\r\n",
      body->len);
  g_string_append_len (text, body->str, (gssize) body->len);
  share_guest_send (guest, id, text->str, text->len);
  /* Whatever it still waits for does not come; a full stop makes it answer or end. */
  share_guest_send (guest, id, "\r\n\r\n\r\n", 6);
  share_guest_send (guest, id, "", 0);
  /* What was told before it was closed may come, or not; that it lives is asked of another one. */
  share_guest_send (guest, -id, "BAD\r\n\r\n", 7);
  for (;;) {
    if (!share_guest_receive (guest, &from, data))
      return FALSE;
    g_assert_null (memmem (data->data, data->len, "top secret", strlen ("top secret")));
    g_assert_null (memmem (data->data, data->len, "root:x:0", strlen ("root:x:0")));
    if (from == -id && data->len == 0)
      return TRUE;
  }
}

static void
test_mutations (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5000);
  g_autoptr (GSubprocess) process = NULL;
  g_autofree char *secret_path = NULL;
  g_autofree char *before = NULL;
  guint fallen = 0;
  ShareGuest guest;

  share_guest_set_up (&guest);
  secret_path = g_build_filename (guest.outside, "secret.txt", NULL);
  g_assert_true (g_file_set_contents (secret_path, "top secret", -1, NULL));
  restore (&guest);
  process = start (&guest);
  g_free (share_guest_list_outside (&guest));
  for (guint i = 1; i <= N_REQUESTS; i++) {
    const guint seed = (guint) g_rand_int_range (rand, 0, G_N_ELEMENTS (seeds));
    g_autoptr (GString) head = mutate (rand, seeds[seed].head);
    g_autoptr (GString) body = mutate (rand, seeds[seed].body);

    if (!ask (&guest, (gint64) i, head, body)) {
      g_test_message ("fell over: %s", head->str);
      fallen++;
      g_subprocess_wait (process, NULL, NULL);
      g_object_unref (process);
      process = start (&guest);
    }
    if (before == NULL)
      before = share_guest_list_outside (&guest);
    if (i % 20 == 0) {
      g_autofree char *after = share_guest_list_outside (&guest);
      g_autofree char *secret = share_guest_read_file (&guest, "outside/secret.txt");

      g_assert_cmpstr (after, ==, before);
      g_assert_cmpstr (secret, ==, "top secret");
      restore (&guest);
    }
  }
  g_test_message ("%u of %u made it fall over", fallen, N_REQUESTS);

  shutdown (guest.wire, SHUT_WR);
  g_assert_true (g_subprocess_wait (process, NULL, NULL));
  share_guest_tear_down (&guest);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sharing/share/mutations", test_mutations);
  return g_test_run ();
}
