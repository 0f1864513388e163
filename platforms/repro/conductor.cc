// The conductor's side of a repro: plain C, kept as text. It knows when all is quiet from /proc, as
// the kernel platform does, and never from waiting where /proc can tell.
#include <string_view>

#include "platforms/repro/prelude.h"

namespace ipcspec {
namespace {

constexpr std::string_view kCore = R"C(
/* What the conductor knows. */
static struct {
  const char *call, *source; /* of a step that was given out */
  int task, timed, shown, claimed, claimed_before;
} known[STEPS + 1];
static struct {
  int dead, status, shown, claimed, claimed_before;
  int handled[65], handled_before[65];
} tasks[STEPS + 1];
static int privileged, many_users, watchable = 1, detour, have_complaint;
static char complaint[1000], directory[PATH_MAX];
static long long began;

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int discard(const char *path, const struct stat *st, int type, struct FTW *walk) {
  (void)st, (void)walk;
  if (OWN_MOUNTS && type == FTW_DP) umount2(path, MNT_DETACH);
  return remove(path), 0;
}

static _Noreturn void end(int status) {
  for (int task = 0; s != NULL && task <= STEPS; task++)
    if (LOAD(s->task[task].pid) > 0 && !tasks[task].dead) kill(s->task[task].pid, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0) continue;
  for (int i = 0; OWN_IPC && s != NULL && private_sets[i] != 0; i++) {
    struct record *made = &s->record[private_sets[i]];
    if (LOAD(made->done) && made->error == 0) semctl((int)made->ret, 0, IPC_RMID);
  }
  for (int i = 0; OWN_IPC && s != NULL && private_queues[i] != 0; i++) {
    struct record *made = &s->record[private_queues[i]];
    if (LOAD(made->done) && made->error == 0) msgctl((int)made->ret, IPC_RMID, NULL);
  }
  for (int i = 0; OWN_IPC && s != NULL && private_segments[i] != 0; i++) {
    struct record *made = &s->record[private_segments[i]];
    if (LOAD(made->done) && made->error == 0) shmctl((int)made->ret, IPC_RMID, NULL);
  }
  if (directory[0] != '\0') {
    if (chdir("/") != 0) status = 2;
    nftw(directory, discard, 16, FTW_DEPTH | FTW_PHYS);
  }
  fflush(NULL);
  _exit(status);
}

static _Noreturn void give_up(const char *why) {
  printf("NO RESULT: %s\n", why);
  end(2);
}

static void stop(int signal) {
  (void)signal;
  end(2);
}

/* Reads a file of /proc/PID; -1 when there is none. */
static int read_proc(int pid, const char *name, char *text, int size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd == -1) return -1;
  int n = (int)read(fd, text, (size_t)size - 1);
  close(fd);
  text[n > 0 ? n : 0] = '\0';
  return n;
}

static unsigned long hash(unsigned long h, const char *text) {
  while (*text != '\0') h = h * 31 + (unsigned char)*text++;
  return h;
}

/* Whether the task is idle, blocked in the kernel or dead. Its mark changes when it has run. */
static int is_still(int task, unsigned long *mark) {
  char text[4096];
  int pid = LOAD(s->task[task].pid);
  *mark = 0;
  if (pid <= 0 || tasks[task].dead) return 1;
  int n = read_proc(pid, "stat", text, sizeof text);
  char state = n > 0 && strrchr(text, ')') != NULL ? strrchr(text, ')')[2] : 'X';
  if (state == 'X' || state == 'Z') { /* the last number of stat is the wait status */
    tasks[task].dead = 1;
    tasks[task].status = n > 0 && watchable ? atoi(strrchr(text, ' ') + 1) : -1;
    return 1;
  }
  int order = LOAD(s->task[task].order);
  *mark = (unsigned long)order + 1;
  if ((state != 'S' && state != 'T') || (order != 0 && order != LOAD(s->task[task].begun)))
    return 0;
  if (watchable && read_proc(pid, "syscall", text, sizeof text) <= 0) watchable = 0;
  if (!watchable) return 1;
  if (strncmp(text, "running", 7) == 0) return 0;
  *mark = hash(*mark, text);
  if (read_proc(pid, "status", text, sizeof text) > 0) {
    char *switches = strstr(text, "voluntary_ctxt_switches");
    if (switches != NULL) *mark = hash(*mark, switches);
  }
  return 1;
}

/* Waits until every task is still, seen twice with nothing run between. Where /proc does not tell,
   until nothing has happened for a second. */
static void settle(void) {
  unsigned long before[STEPS + 1], mark[STEPS + 1];
  long long since = now_ms();
  for (int looks = 0;; looks++) {
    int still = 1, busy = 0;
    for (int task = 0; task <= STEPS; task++) {
      still &= is_still(task, &mark[task]);
      if (!watchable && LOAD(s->task[task].pid) > 0 && !tasks[task].dead)
        busy |= LOAD(s->task[task].order);
    }
    if (looks == 0 || memcmp(mark, before, sizeof mark) != 0) {
      since = now_ms();
    } else if (still && (watchable || now_ms() - since > (busy ? 1000 : 100))) {
      return;
    }
    memcpy(before, mark, sizeof mark);
    if (now_ms() - began > 20000) give_up("20 s are over and some task still runs");
    if (!still) sched_yield();
  }
}

static const char *error_name(int error) {
#define NAME(e) \
  if (error == e) return #e
  NAME(EPERM); NAME(ENOENT); NAME(ESRCH); NAME(EINTR); NAME(ENXIO); NAME(E2BIG); NAME(EBADF);
  NAME(ECHILD); NAME(EAGAIN); NAME(ENOMEM); NAME(EACCES); NAME(EFAULT); NAME(EBUSY); NAME(EEXIST);
  NAME(ENOTDIR); NAME(EISDIR); NAME(EINVAL); NAME(EMFILE); NAME(ENOTTY); NAME(EFBIG);
  NAME(ENOSPC); NAME(ESPIPE); NAME(EROFS); NAME(EPIPE); NAME(ERANGE); NAME(ENAMETOOLONG);
  NAME(ENOSYS); NAME(ELOOP); NAME(EIDRM); NAME(ETIMEDOUT);
  return strerror(error);
}

/* What a step gave back, as text. */
static const char *outcome(int step) {
  static char text[500];
  struct record *r = &s->record[step];
  int n, is_read = strncmp(known[step].call, "read", 4) == 0;
  if (!LOAD(r->done)) return tasks[known[step].task].dead ? "never returned" : "sleeps";
  if (r->error != 0) return snprintf(text, sizeof text, "returned -1 %s", error_name(r->error)), text;
  n = snprintf(text, sizeof text, "returned %ld", r->ret);
  for (int i = 0; i < r->values && i < 8; i++)
    n += snprintf(text + n, sizeof text - (size_t)n, "%s%ld", i == 0 ? " [" : ", ", r->value[i]);
  if (r->values > 0) snprintf(text + n, sizeof text - (size_t)n, r->values > 8 ? ", ...]" : "]");
  if (is_read && r->ret > 0) n += snprintf(text + n, sizeof text - (size_t)n, " \"");
  for (int i = 0; is_read && i < r->ret && i < 32; i++) {
    char c = s->data[step][i];
    n += snprintf(text + n, sizeof text - (size_t)n, ' ' <= c && c <= '~' ? "%c" : "\\%03o", c & 255);
  }
  if (is_read && r->ret > 0) snprintf(text + n, sizeof text - (size_t)n, r->ret > 32 ? "...\"" : "\"");
  return text;
}

static void report(int step) {
  printf("%d: t%d %s %s\n", step, known[step].task, known[step].call, outcome(step));
  known[step].shown = LOAD(s->record[step].done);
  for (int other = 1; other <= STEPS; other++) {
    if (known[other].call == NULL || known[other].shown || !LOAD(s->record[other].done)) continue;
    printf("   now step %d: t%d %s %s\n", other, known[other].task, known[other].call, outcome(other));
    known[other].shown = 1;
  }
  for (int task = 0; task <= STEPS; task++) {
    for (int signal = 1; signal < 65; signal++)
      if (LOAD(s->task[task].handled[signal]) != tasks[task].handled_before[signal])
        printf("   t%d ran its handler of signal %d (%s)\n", task, signal, strsignal(signal));
    if (tasks[task].dead && !tasks[task].shown)
      printf("   t%d ended with wait status 0x%x\n", task, (unsigned)tasks[task].status);
    tasks[task].shown = tasks[task].dead;
  }
}

/* Has `task` make the step, and waits until all is quiet. */
static void go(int step, int task, const char *call, const char *source) {
  known[step].call = call;
  known[step].source = source;
  known[step].task = task;
  if (tasks[task].dead || LOAD(s->task[task].pid) == 0) give_up("a task is missing");
  STORE(s->task[task].order, step);
  syscall(SYS_futex, &s->task[task].order, FUTEX_WAKE, 1, NULL, NULL, 0);
  settle();
  report(step);
}

/* ---- What may have happened: each of these is true if it has. */

/* Notes what speaks against the path that is being tried first; false. */
static int complain(int step, const char *allowed, ...) {
  struct record *r = &s->record[step];
  if (LOAD(r->done) && (r->error == ENOMEM || r->error == ENOSYS)) give_up(error_name(r->error));
  if (LOAD(r->done) && !privileged && (r->error == EPERM || r->error == EACCES))
    give_up("a step was refused, perhaps for want of a capability");
  if (have_complaint++ > 0) return 0;
  va_list args;
  va_start(args, allowed);
  int n = snprintf(complaint, sizeof complaint, "step %d %s %s; documents (%s) allow ", step,
                   known[step].call, outcome(step), known[step].source);
  if (n < (int)sizeof complaint)
    vsnprintf(complaint + n, sizeof complaint - (size_t)n, allowed, args);
  va_end(args);
  return 0;
}

static int again(void) { /* forgets what was claimed for a path that did not fit */
  for (int i = 0; i <= STEPS; i++) {
    known[i].claimed = known[i].claimed_before;
    tasks[i].claimed = tasks[i].claimed_before;
    memcpy(tasks[i].handled, tasks[i].handled_before, sizeof tasks[i].handled);
  }
  return 1;
}

static int nothing_else(void) { /* all that has happened was claimed */
  for (int i = 0; i <= STEPS; i++) {
    if (known[i].call != NULL && LOAD(s->record[i].done) && !known[i].claimed)
      return complain(i, "only that it sleeps on");
    for (int signal = 1; signal < 65; signal++)
      if (LOAD(s->task[i].handled[signal]) != tasks[i].handled[signal] && have_complaint++ == 0) {
        snprintf(complaint, sizeof complaint, "t%d ran its handler of signal %d %d times; documents"
                 " (signal(7)) allow %d", i, signal, LOAD(s->task[i].handled[signal]),
                 tasks[i].handled[signal]);
        return 0;
      }
    if (tasks[i].dead && !tasks[i].claimed && have_complaint++ == 0)
      snprintf(complaint, sizeof complaint, "t%d ended with wait status 0x%x; documents (signal(7))"
               " do not allow that", i, (unsigned)tasks[i].status);
    if (tasks[i].dead && !tasks[i].claimed) return 0;
  }
  return 1;
}

static _Noreturn void no_verdict(void) {
  printf("took another allowed path: no verdict\n");
  end(0);
}

static _Noreturn void fault(void) {
  printf("FAULT: %s\n", complaint);
  end(1);
}

static void accept_path(void) {
  for (int i = 0; i <= STEPS; i++) {
    known[i].claimed_before = known[i].claimed;
    tasks[i].claimed_before = tasks[i].claimed;
    memcpy(tasks[i].handled_before, tasks[i].handled, sizeof tasks[i].handled);
  }
  if (detour) no_verdict();
  have_complaint = 0;
}

#define PATH(facts) (again() && (facts) && nothing_else())
/* The facts must hold, and nothing else have happened ... */
#define expect(facts) expect_or(facts, 0)
/* ... or else another path have been taken, of which this program knows no more. */
#define expect_or(facts, others) \
  do {                           \
    if (!PATH(facts)) {          \
      if (others) no_verdict();  \
      fault();                   \
    }                            \
    accept_path();               \
  } while (0)
)C";

}  // namespace

std::string ReproConductor() { return std::string(kCore); }

}  // namespace ipcspec
