// The task's side of a repro: plain C, kept as text.
#include "platforms/repro/prelude.h"

#include <string_view>

#include "platforms/repro/helpers.h"

namespace ipcspec {
namespace {

using Names = std::set<std::string, std::less<>>;

constexpr std::string_view kCore = R"C(#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared by all processes. */
struct record { /* what a step gave back, and the numbers that came out */
  int done, error;
  long ret, values, value[VALUES];
};
struct task {
  int pid, order, begun; /* order: the step that it shall make, or 0 */
  int handled[65];       /* how often handlers ran, by signal */
};
static struct shared {
  struct record record[STEPS + 1];
  struct task task[STEPS + 1];
  char data[STEPS + 1][DATA]; /* what steps read */
} *s;
static int shared_fd, me; /* me: the task that this process is */

#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_SEQ_CST)
#define STORE(x, to) __atomic_store_n(&(x), to, __ATOMIC_SEQ_CST)

static long run(int step);

static void finish(int step, long ret, int error) {
  s->record[step].ret = ret;
  s->record[step].error = error;
  STORE(s->task[me].order, 0);
  STORE(s->record[step].done, 1);
}

/* A task sleeps until it is told a step, makes it, and notes what came back. */
static _Noreturn void serve(void) {
  for (;;) {
    int step;
    while ((step = LOAD(s->task[me].order)) == 0)
      syscall(SYS_futex, &s->task[me].order, FUTEX_WAIT, 0, NULL, NULL, 0);
    STORE(s->task[me].begun, step);
    errno = 0;
    long ret = run(step);
    finish(step, ret, ret == -1 ? errno : 0);
  }
}
)C";

const ReproHelper* Find(std::string_view name) {
  for (const auto& helpers : {TaskHelpers(), ObjectHelpers()}) {
    for (const ReproHelper& helper : helpers) {
      if (helper.name == name) return &helper;
    }
  }
  return nullptr;
}

}  // namespace

std::string ReproPrelude(const Names& helpers) {
  Names wanted = helpers;
  for (const std::string& name : helpers) {
    for (const ReproHelper* h = Find(name); h != nullptr && !h->needs.empty(); h = Find(h->needs)) {
      wanted.emplace(h->needs);
    }
  }
  std::string out(kCore);
  for (const auto& all : {TaskHelpers(), ObjectHelpers()}) {
    for (const ReproHelper& helper : all) {
      if (wanted.contains(helper.name)) out += helper.text;
    }
  }
  return out;
}

}  // namespace ipcspec
