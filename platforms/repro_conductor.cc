// The conductor's side of a repro: plain C, kept as text. It knows when all is quiet from /proc, as
// the kernel platform does, and never from waiting where /proc can tell.
#include <string_view>

#include "platforms/repro_prelude.h"

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
    give_up("a step was refused, perhaps for want of privilege: run this as root");
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

struct Claim {
  std::string_view name;
  std::string_view text;
};

constexpr Claim kClaims[] = {
    {"await", R"C(
/* Waits until the call that the task is in has returned; a hang is seen by what follows. */
static void await(int step, int task, const char *call) {
  printf("%d: t%d %s\n", step, task, call);
  while (LOAD(s->task[task].order) != 0 && now_ms() - began < 15000) sched_yield();
  settle();
  report(LOAD(s->task[task].begun));
}
)C"},
    {"asleep", R"C(
static int asleep(int step) {
  if (LOAD(s->record[step].done) && known[step].timed) no_verdict(); /* its time was over already */
  if (!LOAD(s->record[step].done) && !tasks[known[step].task].dead) return 1;
  return complain(step, "only that it sleeps");
}
)C"},
    {"is_back", R"C(
/* The call of the step has returned. One with a timeout gets the time that it takes. */
static int is_back(int step, const char *allowed, long want) {
  known[step].claimed = 1;
  while (known[step].timed && !LOAD(s->record[step].done) && now_ms() - began < 15000) sched_yield();
  return LOAD(s->record[step].done) || complain(step, allowed, want);
}
)C"},
    {"returned", R"C(
static int returned(int step, long want) {
  struct record *r = &s->record[step];
  if (!is_back(step, "%ld", want)) return 0;
  return (r->error == 0 && r->ret == want) || complain(step, "%ld", want);
}
)C"},
    {"returned_any", R"C(
static int returned_any(int step) {
  return is_back(step, "that it succeeds", 0) &&
         (s->record[step].error == 0 || complain(step, "that it succeeds"));
}
)C"},
    {"returned_in", R"C(
/* Of a range. What follows is only known where it is the usual number. */
static int returned_in(int step, long least, long most, long usual) {
  struct record *r = &s->record[step];
  if (!is_back(step, "at least %ld", least)) return 0;
  if (r->error != 0 || r->ret < least || most < r->ret)
    return complain(step, "a number from %ld to %ld", least, most);
  detour |= r->ret != usual;
  return 1;
}
)C"},
    {"failed", R"C(
/* With one of `count` errors. */
static int failed(int step, const char *names, int count, ...) {
  struct record *r = &s->record[step];
  int fits = 0;
  va_list errors;
  known[step].claimed = 1;
  while (known[step].timed && !LOAD(r->done) && now_ms() - began < 15000) sched_yield();
  va_start(errors, count);
  while (count-- > 0) fits |= r->error == va_arg(errors, int);
  va_end(errors);
  return (LOAD(r->done) && fits) || complain(step, "-1 %s", names);
}
)C"},
    {"got", R"C(
/* The step read these bytes. */
static int got(int step, const char *bytes, size_t size) {
  size_t at = 0;
  while (at < size && s->data[step][at] == bytes[at]) at++;
  return at == size || complain(step, "other data: byte %zu is %d, not %d", at,
                                s->data[step][at] & 255, bytes[at] & 255);
}
)C"},
    {"number", R"C(
/* The number `index` that came out of the step is `want`, in the bits of `mask`. */
static int number(int step, int index, long mask, long want) {
  long value = s->record[step].value[index];
  return (value & mask) == (want & mask) ||
         complain(step, "other numbers: number %d is %ld, not %ld", index, value, want);
}
)C"},
    {"numbers", R"C(
/* These `count` numbers came out of the step. */
static int numbers(int step, int count, ...) {
  struct record *r = &s->record[step];
  int fits = r->values == count;
  va_list values;
  va_start(values, count);
  for (int i = 0; i < count; i++) fits &= r->value[i] == va_arg(values, int);
  va_end(values);
  return fits || complain(step, "other numbers");
}
)C"},
    {"died", R"C(
/* The task ended, with this wait status; whether there is a core dump does not count. */
static int died(int task, int status) {
  tasks[task].claimed = 1;
  if (tasks[task].dead && (tasks[task].status == -1 || (tasks[task].status & ~0x80) == status))
    return 1;
  if (have_complaint++ == 0)
    snprintf(complaint, sizeof complaint, "t%d %s; documents (signal(7)) allow only that it ends"
             " with wait status 0x%x", task, tasks[task].dead ? "ended otherwise" : "lives on",
             (unsigned)status);
  return 0;
}
)C"},
    {"handled", R"C(
/* The task ran its handler of the signal, `count` times. Claimed here, checked in the end. */
static int handled(int task, int signal, int count) {
  tasks[task].handled[signal] += count;
  return 1;
}
)C"},
};

constexpr std::string_view kSetup = R"C(
/* ---- Setting up */

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd == -1 || write(fd, text, strlen(text)) == -1) give_up(path);
  close(fd);
}

/* User 0, with namespaces of its own; in a user namespace where this is not run as root. */
static void isolate(void) {
  char text[4096], map[64];
  int flags = (OWN_IPC ? CLONE_NEWIPC : 0) | (OWN_MOUNTS ? CLONE_NEWNS : 0);
  int uid = (int)geteuid(), gid = (int)getegid(), isolated = 0;
  if (read_proc(getpid(), "status", text, sizeof text) > 0 && strstr(text, "CapEff:") != NULL) {
    unsigned long long has = strtoull(strstr(text, "CapEff:") + 7, NULL, 16);
    unsigned long long users = 1 << 0 | 1 << 6 | 1 << 7;             /* CHOWN, SETGID, SETUID */
    unsigned long long needed = 1 << 1 | 1 << 15 | 1 << 21 | 1 << 24; /* as far as IPC goes */
    many_users = uid == 0 && (has & users) == users;
    privileged = uid == 0 && (has & needed) == needed;
  }
  isolated = uid == 0 && unshare(flags) == 0;
  if (!isolated && unshare(flags | CLONE_NEWUSER) == 0) {
    isolated = 1;
    many_users = privileged = 0;
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %d 1", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %d 1", gid);
    write_file("/proc/self/gid_map", map);
  }
  if (geteuid() != 0) give_up("run this as root: no user namespace can be had");
  if (NEED_ROOT && !many_users) give_up("run this as root: a task becomes another user");
  if (!isolated && (NEED_OWN_IPC || OWN_MOUNTS)) give_up("run this as root: it needs namespaces");
  if (OWN_MOUNTS && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) give_up("mount");
}

/* Maps what is shared; also after execve. */
static void map_shared(void) {
  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED, shared_fd, 0);
  if (s == MAP_FAILED) _exit(2);
}

static void set_up(void) {
  sigset_t none;
  struct rlimit files, core = {1, 1}; /* not 0: also no program is started to take core dumps */
  setvbuf(stdout, NULL, _IOLBF, 0);
  began = now_ms();
  for (int signal = 1; signal < 65; signal++)
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  prctl(PR_SET_CHILD_SUBREAPER, 1); /* orphans come here, and are killed in the end */
  if (sysconf(_SC_PAGESIZE) != 4096) give_up("what it expects holds for pages of 4096 bytes");
  isolate();

  const char *tmp = getenv("TMPDIR");
  snprintf(directory, sizeof directory, "%s/repro.XXXXXX", tmp != NULL ? tmp : "/tmp");
  if (mkdtemp(directory) == NULL) {
    directory[0] = '\0';
    give_up("cannot make a directory");
  }
  if (chmod(directory, 0777) != 0 || chdir(directory) != 0) give_up(directory);
  umask(022);

  /* The memory is known by a high descriptor, which is in nobody's way, for execve. */
  getrlimit(RLIMIT_NOFILE, &files);
  rlim_t most = files.rlim_max;
  files.rlim_cur = most;
  setrlimit(RLIMIT_NOFILE, &files);
  int fd = (int)syscall(SYS_memfd_create, "repro", 0);
  shared_fd = fcntl(fd, F_DUPFD, most > 2000 ? 2000 : (int)most - 1);
  if (shared_fd == -1 || ftruncate(shared_fd, sizeof *s) != 0) give_up("no shared memory");
  files.rlim_cur = most < 1024 ? most : 1024;
  setrlimit(RLIMIT_NOFILE, &files);
  setrlimit(RLIMIT_CORE, &core);
  map_shared();

  fflush(NULL);
  int parent = getpid();
  int pid = fork();
  if (pid == 0) { /* task 0: descriptors 0 to 2 only */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(2);
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3; i++) dup2(null, i);
    for (int i = 3; i < shared_fd; i++) close(i);
    STORE(s->task[0].pid, getpid());
    serve();
  }
  if (pid == -1) give_up("fork");
  s->task[0].pid = pid;
  sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
  settle();
  if (tasks[0].dead) give_up("/proc does not show processes");
}
)C";

}  // namespace

std::string ReproConductor(const std::set<std::string, std::less<>>& claims) {
  std::string out(kCore);
  for (const Claim& claim : kClaims) {
    if (claims.contains(claim.name)) out += claim.text;
  }
  out += kSetup;
  return out;
}

}  // namespace ipcspec
