/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The WebDAV server of one folder, and the gate before it. */
#include "sharing/share/server.h"

#include <errno.h>
#include <fcntl.h>
#include <libphodav/phodav.h>
#include <libsoup/soup.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What a client says with a PROPFIND or a LOCK has some hundred bytes. Files come by PUT, which
 * libphodav writes as it arrives. */
#define MAX_QUESTION_BYTES (256 * 1024)

/* RFC 4918, 10.4.2, as far as it is in use: with anything else libphodav 3.0 goes round for ever,
 * or reads what is not there. */
#define URI_CHARACTER "(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})"
#define IF_TAG        "<https?://[A-Za-z0-9.-]+(?::[0-9]{1,4})?/(?!/)" URI_CHARACTER "*+>\\s*"
#define IF_CONDITION  "(?:Not\\s*)?(?:<[^<>\\s]++>|\\[\"[^\"\\\\]*+\"\\])\\s*"
#define IF_LIST       "\\(\\s*(?:" IF_CONDITION ")++\\)\\s*"
#define IF_HEADER     "^(?:(?:" IF_LIST ")++|(?:" IF_TAG "(?:" IF_LIST ")++)++)$"
#define MAX_IF_BYTES  2048
#define LOCK_TOKEN    "^<[^<>\\s]++>$"

struct _ShareServer {
  PhodavServer *phodav;
  SoupServer *soup; /* phodav's */
  GSocketAddress *address;
  int folder;
  GRegex *if_header;
  GRegex *lock_token;
};

/* One way to write a name, so that names can be compared: no "." or "..", no "//". A "/" may be at
 * the end. */
static gboolean
is_plain (const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);

  /* libxml2 takes no other text, and libphodav 3.0 falls over what it says then. */
  if (path[0] != '/' || !g_utf8_validate (path, -1, NULL))
    return FALSE;
  for (guint i = 1; names[i] != NULL; i++) {
    if (g_str_equal (names[i], ".") || g_str_equal (names[i], "..") ||
        (names[i][0] == '\0' && names[i + 1] != NULL))
      return FALSE;
  }
  return TRUE;
}

/* Whether @path, which is decoded, is a file or a folder below the shared one, or could become one.
 * libphodav goes by the text (g_file_get_child()) and follows links, so both are looked at; what is
 * neither, such as a pipe, would keep it waiting. */
static gboolean
is_inside (ShareServer *self, const char *path)
{
  struct open_how how = {.flags = O_PATH | O_CLOEXEC,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  struct stat info;
  gboolean plain;
  int fd;

  if (!is_plain (path))
    return FALSE;
  if (path[1] == '\0')
    return TRUE;
  fd = (int) syscall (SYS_openat2, self->folder, path + 1, &how, sizeof how);
  if (fd < 0)
    return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG;
  plain = fstat (fd, &info) == 0 && (S_ISREG (info.st_mode) || S_ISDIR (info.st_mode));
  close (fd);
  return plain;
}

static char *
dup_without_end (const char *path)
{
  gsize length = strlen (path);

  while (length > 1 && path[length - 1] == '/')
    length--;
  return g_strndup (path, length);
}

/* Both without an end. */
static gboolean
is_same_or_below (const char *path, const char *folder)
{
  const gsize length = strlen (folder);

  return strncmp (path, folder, length) == 0 &&
         (path[length] == '/' || path[length] == '\0' || length == 1);
}

/* COPY and MOVE. */
static guint
check_destination (ShareServer *self, const char *path, const char *destination)
{
  g_autoptr (GUri) uri = NULL;
  g_autofree char *decoded = NULL;
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;

  uri = destination != NULL ? g_uri_parse (destination, SOUP_HTTP_URI_FLAGS, NULL) : NULL;
  decoded = uri != NULL ? g_uri_unescape_string (g_uri_get_path (uri), NULL) : NULL;
  if (decoded == NULL)
    return SOUP_STATUS_BAD_REQUEST;
  if (!is_inside (self, decoded))
    return SOUP_STATUS_FORBIDDEN;
  /* What is at the destination is removed before, with all that is in it; and a folder in itself
   * would be copied until the disk is full. */
  from = dup_without_end (path);
  to = dup_without_end (decoded);
  if (g_str_equal (to, "/") || is_same_or_below (from, to) || is_same_or_below (to, from))
    return SOUP_STATUS_FORBIDDEN;
  return SOUP_STATUS_NONE;
}

static guint
check_body (SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  switch (soup_message_headers_get_encoding (headers)) {
  case SOUP_ENCODING_NONE:
    return SOUP_STATUS_NONE;
  case SOUP_ENCODING_CONTENT_LENGTH:
    return soup_message_headers_get_content_length (headers) <= MAX_QUESTION_BYTES
               ? SOUP_STATUS_NONE
               : SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE;
  default:
    return SOUP_STATUS_LENGTH_REQUIRED;
  }
}

/* What libphodav 3.0 falls over, or does not come back from. */
static gboolean
has_good_conditions (ShareServer *self, const char *method, SoupMessageHeaders *headers)
{
  const char *condition = soup_message_headers_get_list (headers, "If");
  const char *token = soup_message_headers_get_one (headers, "Lock-Token");

  if (condition != NULL &&
      (strlen (condition) > MAX_IF_BYTES || !g_regex_match (self->if_header, condition, 0, NULL)))
    return FALSE;
  /* Without a body it renews the lock that "If" names. */
  if (strcmp (method, "LOCK") == 0 && soup_message_headers_get_content_length (headers) == 0)
    return condition != NULL;
  if (strcmp (method, "UNLOCK") == 0)
    return token != NULL && g_regex_match (self->lock_token, token, 0, NULL);
  return TRUE;
}

static const char *const known_methods[] = {"OPTIONS",   "GET",    "HEAD",   "PUT",  "PROPFIND",
                                            "PROPPATCH", "MKCOL",  "DELETE", "MOVE", "COPY",
                                            "LOCK",      "UNLOCK", NULL};

/* The status to refuse with, or SOUP_STATUS_NONE. */
static guint
check_request (ShareServer *self, SoupServerMessage *message, const char *path)
{
  const char *method = soup_server_message_get_method (message);
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  guint status = SOUP_STATUS_NONE;

  if (!g_strv_contains (known_methods, method))
    return SOUP_STATUS_NOT_IMPLEMENTED;
  if (!is_inside (self, path))
    return SOUP_STATUS_FORBIDDEN;
  if (strcmp (path, "/") == 0 && (strcmp (method, "DELETE") == 0 || strcmp (method, "MOVE") == 0))
    return SOUP_STATUS_FORBIDDEN;
  if (strcmp (method, "PUT") != 0)
    status = check_body (message);
  if (status == SOUP_STATUS_NONE && !has_good_conditions (self, method, headers))
    status = SOUP_STATUS_BAD_REQUEST;
  if (status == SOUP_STATUS_NONE && (strcmp (method, "MOVE") == 0 || strcmp (method, "COPY") == 0))
    status = check_destination (self, path, soup_message_headers_get_one (headers, "Destination"));
  return status;
}

/* Called before libphodav, when the headers are there. */
static void
gate_cb (SoupServer *soup,
         SoupServerMessage *message,
         const char *path,
         GHashTable *query,
         gpointer user_data)
{
  guint status = check_request (user_data, message, path);

  if (status == SOUP_STATUS_NONE)
    return;
  soup_server_message_set_status (message, status, NULL);
  /* What still comes is thrown away as it comes. */
  soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
  /* libphodav begins a PUT with this signal, whatever the status is by then. */
  g_signal_stop_emission_by_name (message, "got-headers");
}

ShareServer *
share_server_new (const char *folder, gboolean writable, GError **error)
{
  ShareServer *self;
  int fd = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0) {
    int saved = errno;

    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "%s: %s", folder,
                 g_strerror (saved));
    return NULL;
  }
  self = g_new0 (ShareServer, 1);
  self->folder = fd;
  /* Nobody is told by it; libsoup wants one. */
  self->address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  self->if_header = g_regex_new (IF_HEADER, G_REGEX_RAW, 0, NULL);
  self->lock_token = g_regex_new (LOCK_TOKEN, G_REGEX_RAW, 0, NULL);
  g_assert (self->if_header != NULL && self->lock_token != NULL);
  self->phodav = phodav_server_new (folder);
  g_object_set (self->phodav, "read-only", !writable, NULL);
  self->soup = phodav_server_get_soup_server (self->phodav);
  soup_server_add_early_handler (self->soup, "/", gate_cb, self, NULL);
  return self;
}

void
share_server_free (ShareServer *self)
{
  soup_server_disconnect (self->soup);
  g_object_unref (self->phodav);
  g_object_unref (self->address);
  g_regex_unref (self->if_header);
  g_regex_unref (self->lock_token);
  close (self->folder);
  g_free (self);
}

static GIOStream *
new_stream (int fd, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new_from_fd (fd, error);

  if (socket == NULL) {
    close (fd);
    return NULL;
  }
  return G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
}

GIOStream *
share_server_connect (ShareServer *self, GError **error)
{
  g_autoptr (GIOStream) ours = NULL;
  g_autoptr (GIOStream) theirs = NULL;
  int ends[2];

  /* The kernel's buffers, and with them its back-pressure. */
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    int saved = errno;

    g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (saved), g_strerror (saved));
    return NULL;
  }
  ours = new_stream (ends[0], error);
  theirs = new_stream (ends[1], ours != NULL ? error : NULL);
  if (ours == NULL || theirs == NULL ||
      !soup_server_accept_iostream (self->soup, theirs, self->address, self->address, error))
    return NULL;
  return g_steal_pointer (&ours);
}
