/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client's connection to the engine of this user. */
#include "lodge-client.h"
