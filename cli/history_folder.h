// A folder for the histories of a run of stress that were not explained. Processes that are forked
// later share what it has saved; they save one at a time (turns.h).
#ifndef IPCSPEC_CLI_HISTORY_FOLDER_H_
#define IPCSPEC_CLI_HISTORY_FOLDER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "impl/oracle/oracle.h"
#include "platforms/kernel/shared.h"

namespace ipcspec {

class HistoryFolder {
 public:
  // What a run saves at most, and how much of that are histories that could not be judged: there
  // may be many, and those that are forbidden must find room.
  static constexpr int kMostFiles = 20;
  static constexpr int kMostUndecided = 10;

  // The directory must exist, and not be one in which everybody may replace files of others.
  // Errors: the reason, with what to do.
  static absl::StatusOr<std::unique_ptr<HistoryFolder>> Open(const std::string& path);
  ~HistoryFolder();

  // Writes the file DIR/NAME.history, whole or not at all, and returns its path; one of that name
  // is replaced. An empty path: the folder has enough. Errors: the disk is full, and the like.
  absl::StatusOr<std::string> Save(const std::string& name, Verdict verdict, std::string_view text);

 private:
  HistoryFolder(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_;
  std::string path_;
  struct Counts {
    int files = 0, undecided = 0;
  };
  const Shared<Counts> saved_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_CLI_HISTORY_FOLDER_H_
