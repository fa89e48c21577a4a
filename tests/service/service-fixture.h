/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An engine in the test's own process: its lock, its library, its socket, and a client of it. */
#pragma once

#include "lodge-client.h"
#include "service/lodge-service.h"

G_BEGIN_DECLS

typedef struct {
  char *folder; /* everything of this test is below it */
  int lock;
  LodgeLibrary *library;
  LodgeService *service;
  LodgeClient *client;
} ServiceFixture;

#define SERVICE_FIXTURE_ADD(name, function)                                                        \
  g_test_add ("/service/" name, ServiceFixture, NULL, service_fixture_set_up, function,            \
              service_fixture_tear_down)

void service_fixture_set_up (ServiceFixture *self, gconstpointer data);
void service_fixture_tear_down (ServiceFixture *self, gconstpointer data);

/* One more client. */
LodgeClient *service_fixture_connect (void);

/* A call of the fixture's client, waited for. */
GVariant *service_fixture_call (ServiceFixture *self,
                                const char *path,
                                const char *interface,
                                const char *method,
                                GVariant *arguments,
                                GError **error);
GVariant *service_fixture_call_engine (ServiceFixture *self,
                                       const char *method,
                                       GVariant *arguments,
                                       GError **error);
char *service_fixture_dup_property (ServiceFixture *self,
                                    const char *path,
                                    const char *interface,
                                    const char *name);

/* Waits until the job of that path is over; gives its state. */
char *service_fixture_wait_job (ServiceFixture *self, const char *job);

/* Makes a machine without a disk and waits for its job; gives the UUID. */
char *service_fixture_create (ServiceFixture *self, const char *name);

G_END_DECLS
