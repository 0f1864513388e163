#include "report/results.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ipcspec {
namespace {

using Json = nlohmann::ordered_json;

// One line; bytes that are not UTF-8 (data of calls) are replaced, not refused.
std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ResultsFile>> ResultsFile::Create(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY | O_CLOEXEC, 0644);
  if (fd < 0) {
    return absl::InvalidArgumentError(absl::StrCat("cannot write results to '", path,
                                                   "': ", std::strerror(errno),
                                                   "; name a file in a directory you may write"));
  }
  return std::unique_ptr<ResultsFile>(new ResultsFile(fd, path));
}

ResultsFile::~ResultsFile() { close(fd_); }

absl::Status ResultsFile::WriteLine(const std::string& json) {
  const std::string line = json + "\n";
  const off_t begin = lseek(fd_, 0, SEEK_CUR);  // of a regular file
  for (size_t done = 0; done < line.size();) {
    const ssize_t n = write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int error = errno;
      if (begin >= 0 && ftruncate(fd_, begin) == 0) lseek(fd_, begin, SEEK_SET);
      return absl::UnavailableError(absl::StrCat("cannot go on writing results to '", path_, "': ",
                                                 std::strerror(error), "; lines so far are whole"));
    }
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::Status ResultsFile::WritePlatform(const PlatformFacts& facts) {
  return WriteLine(Line(Json{{"platform",
                              {{"kernel", facts.kernel},
                               {"release", facts.release},
                               {"machine", facts.machine},
                               {"isolation", facts.isolation},
                               {"limits", facts.limits}}}}));
}

absl::Status ResultsFile::WriteTest(const TestResult& result) {
  const absl::Status written = WriteLine(Line(Json{{"test", result.test},
                                                   {"mechanism", result.mechanism},
                                                   {"clauses", result.clauses},
                                                   {"verdict", result.verdict},
                                                   {"ms", result.ms},
                                                   {"detail", result.detail}}));
  // The kernel that does wrong may not live much longer. A device needs none of this.
  if (written.ok() && result.verdict == "violates") fdatasync(fd_);
  return written;
}

absl::Status ResultsFile::WriteObserved(const Observed& observed) {
  return WriteLine(Line(Json{{"observation", observed.observation},
                             {"mechanism", observed.mechanism},
                             {"value", observed.value},
                             {"ms", observed.ms}}));
}

absl::Status ResultsFile::WriteTotals(const std::map<std::string, int>& by_verdict, int64_t ms) {
  return WriteLine(Line(Json{{"totals", by_verdict}, {"ms", ms}}));
}

}  // namespace ipcspec
