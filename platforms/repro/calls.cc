#include "platforms/repro/calls.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "platforms/repro/writer.h"

namespace ipcspec {
namespace {

// The C text of one call; each overload gives the statements.
class Writer : public ReproWriter {
 public:
  using ReproWriter::ReproWriter;

  // Another mechanism's.
  template <class C>
  std::optional<std::string> Of(const C&) {
    return std::nullopt;
  }
  // ---- Tasks and signals
  std::string Of(const Fork&) {
    return Cat("return ", Use("make_task"), "(", step_.label, ", 0);");
  }
  std::string Of(const Clone& c) {
    return Cat("return ", Use("make_task"), "(", step_.label, ", ", Show(c.flags), ");");
  }
  std::string Of(const Exec&) { return Cat("return ", Use("exec_self"), "();"); }
  std::string Of(const Exit& c) { return Cat("_exit(", Int(c.status), ");"); }
  std::string Of(const Kill& c) {
    return Cat("return kill(", Pid(c.target), ", ", Show(c.signal), ");");
  }
  std::string Of(const Wait& c) {
    return Keep(Cat(Use("task_of"), "(waitpid(", Pid(c.target), ", p, ", Show(c.options), "))"), 1);
  }
  std::string Of(const Sigaction& c) {
    if (c.disposition == Disposition::kDefault || c.disposition == Disposition::kIgnore) {
      return Cat("return ", Use("dispose"), "(", Show(c.signal), ", ",
                 c.disposition == Disposition::kDefault ? "SIG_DFL" : "SIG_IGN", ");");
    }
    return Cat("return ", Use("handle"), "(", Show(c.signal), ", ",
               c.disposition == Disposition::kHandleRestart ? "SA_RESTART" : "0", ");");
  }
  std::string Of(const Sigprocmask& c) {
    return Cat("return ", Use("mask_signal"), "(",
               c.how == MaskChange::kBlock ? "SIG_BLOCK" : "SIG_UNBLOCK", ", ", Show(c.signal),
               ");");
  }
  std::string Of(const SignalInfo&) { return Cat("return ", Use("keep_info"), "();"); }
  std::string Of(const Sigpending&) {
    text_.ReserveValues(64);
    return Cat("return ", Use("pending"), "();");
  }
  std::string Of(const SetCredentials& c) {
    Use("need_root");
    return Cat("return ", Use("become"), "(", Int(c.uid), ", ", Int(c.gid), ");");
  }
  std::string Of(const LimitDescriptors& c) {
    return Cat("return ", Use("limit_descriptors"), "(", Long(c.count), ");");
  }
  std::string Of(const Umask& c) { return Cat("return (long)umask(", Show(c.mask), ");"); }
  std::string Of(const Await&) { return ""; }

  // ---- Files
  std::string Of(const Open& c) {
    const std::string rest =
        Cat(PathOr(c.path, c.memory), ", ", Show(c.flags),
            (c.flags.bits & (O_CREAT | O_TMPFILE)) != 0 ? Cat(", ", Show(c.mode)) : std::string());
    return c.dirfd == Fd(kCwd) ? Cat("return open(", rest, ");")
                               : Cat("return openat(", Arg(c.dirfd), ", ", rest, ");");
  }
  std::string Of(const Close& c) { return Cat("return close(", Arg(c.fd), ");"); }
  std::string Of(const Dup& c) { return Cat("return dup(", Arg(c.fd), ");"); }
  std::string Of(const Dup2& c) { return Cat("return dup2(", Arg(c.fd), ", ", Arg(c.to), ");"); }
  std::string Of(const GetFdFlags& c) { return Fcntl(c.fd, "F_GETFD"); }
  std::string Of(const SetFdFlags& c) { return Fcntl(c.fd, Cat("F_SETFD, ", Show(c.flags))); }
  std::string Of(const GetStatusFlags& c) {
    // Only these flags are promised to show.
    return Cat("return ", Use("only"), "(fcntl(", Arg(c.fd),
               ", F_GETFL), O_ACCMODE|O_APPEND|O_ASYNC|O_DIRECT|O_NONBLOCK);");
  }
  std::string Of(const SetStatusFlags& c) { return Fcntl(c.fd, Cat("F_SETFL, ", Show(c.flags))); }
  std::string Of(const Lseek& c) {
    return Cat("return lseek(", Arg(c.fd), ", ", Long(c.offset), ", SEEK_SET);");
  }
  std::string Of(const Fstat& c) {
    return Cat("return ", Use("keep_stat"), "(fstat(", Arg(c.fd), ", &st));");
  }
  std::string Of(const Stat& c) {
    return Cat("return ", Use("keep_stat"), "(stat(", Path(c.path), ", &st));");
  }
  std::string Of(const Poll& c) {
    text_.ReserveValues(static_cast<int64_t>(c.fds.size()));
    std::string out = "struct pollfd f[] = {";
    for (const PollFd& fd : c.fds) {
      Append(&out, &fd == &c.fds[0] ? "" : ", ", "{.fd = ", Arg(fd.fd),
             ", .events = ", Show(PollEvents(static_cast<int16_t>(fd.events.bits))), "}");
    }
    if (c.fds.empty()) out += "{.fd = -1}";
    const std::string count = Cat("f, ", static_cast<int64_t>(c.fds.size()));
    const int64_t ms = c.timeout.ns / 1'000'000;
    const bool whole =
        c.timeout.ns >= 0 && ms <= std::numeric_limits<int>::max() && c.timeout.ns % 1'000'000 == 0;
    const std::string call = c.timeout.ns == Nanos::kForever ? Cat("poll(", count, ", -1)")
                             : whole                         ? Cat("poll(", count, ", ", ms, ")")
                                     : Cat("ppoll(", count, ", ", Time(c.timeout), ", NULL)");
    return Cat(out, "};\nreturn ", Use("keep_poll"), "(", call, ", ", count, ");");
  }
  std::string Of(const Mkfifo& c) {
    const std::string rest = Cat(Path(c.path), ", ", Show(c.mode), ");");
    return c.dirfd == Fd(kCwd) ? Cat("return mkfifo(", rest)
                               : Cat("return mkfifoat(", Arg(c.dirfd), ", ", rest);
  }
  std::string Of(const Mknod& c) {
    return Cat("return mknodat(", Arg(c.dirfd), ", ", PathOr(c.path, c.memory), ", ",
               (c.mode.bits & S_IFMT) == S_IFIFO ? "S_IFIFO|" : "",
               Show(Mode(c.mode.bits & ~((c.mode.bits & S_IFMT) == S_IFIFO ? S_IFIFO : 0))),
               ", 0);");
  }
  std::string Of(const Mkdir& c) {
    return Cat("return mkdir(", Path(c.path), ", ", Show(c.mode), ");");
  }
  std::string Of(const Symlink& c) {
    return Cat("return symlink(", Path(c.target), ", ", Path(c.path), ");");
  }
  std::string Of(const Unlink& c) { return Cat("return unlink(", Path(c.path), ");"); }
  std::string Of(const Rename& c) {
    return Cat("return rename(", Path(c.from), ", ", Path(c.to), ");");
  }
  std::string Of(const Chmod& c) {
    return Cat("return chmod(", Path(c.path), ", ", Show(c.mode), ");");
  }
  std::string Of(const Chown& c) {
    return Cat("return chown(", Path(c.path), ", ", Id(c.uid), ", ", Id(c.gid), ");");
  }
  std::string Of(const MountTmpfs& c) {
    Use("own_mounts");
    return Cat("return mount(\"tmpfs\", ", Path(c.path), ", \"tmpfs\", 0, \"mode=0777",
               c.inodes > 0 ? Cat(",nr_inodes=", c.inodes) : std::string(), "\");");
  }
  std::string Of(const RemountReadOnly& c) {
    Use("own_mounts");
    return Cat("return mount(\"tmpfs\", ", Path(c.path),
               ", \"tmpfs\", MS_REMOUNT|MS_RDONLY, NULL);");
  }

  // ---- Pipes
  std::string Of(const MakePipe& c) {
    if (c.result == Memory::kBad)
      return Cat("return pipe2(", Use("BAD"), ", ", Show(c.flags), ");");
    const bool plain = c.flags.bits == 0;
    return Keep(plain ? std::string("pipe(p)") : Cat("pipe2(p, ", Show(c.flags), ")"), 2);
  }
  std::string Of(const Read& c) {
    const std::string buffer = c.memory == Memory::kBad ? Use("BAD") : "IN";
    return Cat("return read(", Arg(c.fd), ", ", buffer, ", ", Count(c.count), ");");
  }
  std::string Of(const Write& c) {
    const std::string& data = c.data.text;
    const int64_t size = static_cast<int64_t>(data.size());
    if (c.memory == Memory::kBad) {
      return Cat("return write(", Arg(c.fd), ", ", Use("BAD"), ", ", Count(size), ");");
    }
    if (ReproText::IsShort(data)) {
      return Cat("return write(", Arg(c.fd), ", ", ReproText::Literal(data), ", ", size, ");");
    }
    return Cat(text_.Make(data, "; "), ";\nreturn write(", Arg(c.fd), ", made, ", size, ");");
  }
  std::string Of(const Readv& c) {
    std::string parts;
    int64_t sum = 0;
    for (int64_t count : c.counts) {
      const std::string count_text = Count(count);
      Append(&parts, sum == 0 && parts.empty() ? "" : ", ", "{IN + ", sum, ", ", count_text, "}");
      sum = std::min(sum + std::clamp<int64_t>(count, 0, kMostBytes), kMostBytes);
    }
    text_.Reserve(sum);
    return Vector("readv", c.fd, parts, static_cast<int64_t>(c.counts.size()));
  }
  std::string Of(const Writev& c) {
    const bool literal = std::all_of(c.data.begin(), c.data.end(),
                                     [](const Bytes& b) { return ReproText::IsShort(b.text); });
    std::string parts, all;
    for (const Bytes& part : c.data) {
      Append(&parts, parts.empty() ? "{" : ", {",
             literal ? ReproText::Literal(part.text)
                     : Cat("made + ", static_cast<int64_t>(all.size())),
             ", ", static_cast<int64_t>(part.text.size()), "}");
      all += part.text;
    }
    return Cat(literal ? std::string() : Cat(text_.Make(all, "; "), ";\n"),
               Vector("writev", c.fd, parts, static_cast<int64_t>(c.data.size())));
  }
  std::string Of(const GetPipeSize& c) { return Fcntl(c.fd, "F_GETPIPE_SZ"); }
  std::string Of(const SetPipeSize& c) { return Fcntl(c.fd, Cat("F_SETPIPE_SZ, ", Long(c.size))); }
  std::string Of(const Fionread& c) { return Keep(Cat("ioctl(", Arg(c.fd), ", FIONREAD, p)"), 1); }

 private:
  std::string Fcntl(const Fd& fd, std::string_view rest) {
    return Cat("return fcntl(", Arg(fd), ", ", rest, ");");
  }
  std::string Vector(std::string_view call, const Fd& fd, const std::string& parts, int64_t count) {
    return Cat("struct iovec v[] = {", parts.empty() ? "{NULL, 0}" : parts, "};\nreturn ", call,
               "(", Arg(fd), ", v, ", count, ");");
  }
};

}  // namespace

std::string ReproText::Body(const Step& step) {
  const auto own = std::visit(
      [&](const auto& call) -> std::optional<std::string> { return Writer(*this, step).Of(call); },
      step.call);
  if (own.has_value()) return *own;
  if (const auto sysv = SysvInC(*this, step)) return *sysv;
  return PosixInC(*this, step).value_or("");
}

}  // namespace ipcspec
