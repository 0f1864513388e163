// ReproWriter: what the C text of calls is put together with (calls.h). The calls of a
// mechanism are in repro_calls.cc, repro_sysv.cc or repro_posix.cc. Not for use elsewhere.
#ifndef IPCSPEC_PLATFORMS_REPRO_WRITER_H_
#define IPCSPEC_PLATFORMS_REPRO_WRITER_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "impl/call/cat.h"
#include "impl/call/values.h"
#include "platforms/repro/calls.h"

namespace ipcspec {

class ReproWriter {
 public:
  ReproWriter(ReproText& text, const Step& step) : text_(text), step_(step) {}

 protected:
  static constexpr int64_t kMostBytes = int64_t{16} << 20;  // a buffer is never longer
  static constexpr int64_t kSecond = 1'000'000'000;

  std::string Use(std::string_view helper) { return text_.Use(helper); }

  template <class T>
  static std::string Show(const T& value) {
    std::string out;
    PrintValue(value, &out);
    return out;
  }
  template <ArgKind K>
  std::string Arg(const ipcspec::Arg<K>& arg) {
    if (arg.is_reference()) return text_.NameOf(arg.label, arg.index);
    if (K == ArgKind::kFd && arg.value == kCwd) return "AT_FDCWD";
    // A number might be the identifier of somebody else's object.
    constexpr bool kIsId = K == ArgKind::kSemId || K == ArgKind::kMsgId || K == ArgKind::kShmId;
    if (kIsId) Use("need_own_ipc");
    return K == ArgKind::kAddress ? Cat(arg.value, "L") : Int(arg.value);
  }
  // The kernel takes an int; so does the compiler, without a word.
  static std::string Int(int64_t value) { return Cat(static_cast<int32_t>(value)); }
  std::string Id(int64_t value) {
    if (value != 0 && value != -1) Use("need_root");
    return value == -1 ? "-1" : Cat(static_cast<uint32_t>(value), "u");
  }
  static std::string Long(int64_t value) {
    if (value == std::numeric_limits<int64_t>::min()) return "LONG_MIN";
    return value == static_cast<int32_t>(value) ? Cat(value) : Cat(value, "L");
  }
  // A number of bytes. The compiler does not believe in very long buffers.
  std::string Count(int64_t count) {
    if (0 <= count && count <= kMostBytes) {
      text_.Reserve(count);
      return Cat(count);
    }
    text_.Reserve(kMostBytes);
    return Cat(Use("any"), "(", Long(count), ")");
  }
  // A number that the compiler shall not weigh.
  std::string Any(int64_t value) {
    if (0 <= value && value <= kMostBytes) return Cat(value);
    return Cat(Use("any"), "(", Long(value), ")");
  }
  std::string Pid(const TaskArg& task) {
    return Cat(Use("pid_of"), "(", task.is_reference() ? Cat(task.label) : Int(task.value), ")");
  }
  std::string Keep(const std::string& call, int values) {
    return Cat("return ", Use("keep"), "(", call, ", ", values, ");");
  }
  std::string Path(const std::string& path) {
    if (path.size() <= 64) return ReproText::Literal(path);
    return Cat("(", text_.Make(path + '\0', ", "), ", made)");
  }
  std::string PathOr(const std::string& path, Memory memory) {
    return memory == Memory::kBad ? Use("BAD") : Path(path);
  }
  static std::string Time(Nanos time) {
    return Cat("&(struct timespec){", time.ns / kSecond, ", ", time.ns % kSecond, "}");
  }

  ReproText& text_;
  const Step& step_;
};

// The statements for a call of these mechanisms; none when the call is another's.
std::optional<std::string> SysvInC(ReproText& text, const Step& step);
std::optional<std::string> PosixInC(ReproText& text, const Step& step);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REPRO_WRITER_H_
