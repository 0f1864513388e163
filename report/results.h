// Results: what became of each clause, as JSON Lines. Each line is written when its test ends, so
// nothing is lost when the kernel dies.
//
//   {"platform": {"kernel": …, "release": …, "machine": …, "isolation": …, "limits": {…}}, …}
//   {"test": …, "mechanism": …, "clauses": […], "verdict": …, "ms": …, "detail": …}
//   {"observation": …, "mechanism": …, "value": …, "ms": …}
//   {"totals": {"conforms": …, "violates": …, "unsupported": …, "undecided": …}, "ms": …}
#ifndef IPCSPEC_REPORT_RESULTS_H_
#define IPCSPEC_REPORT_RESULTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace ipcspec {

struct TestResult {
  std::string test;
  std::string mechanism;
  std::vector<std::string> clauses;
  std::string verdict;  // conforms, violates, unsupported, undecided
  int64_t ms = 0;
  std::string detail;
};

// What was seen where no document promises anything.
struct Observed {
  std::string observation;
  std::string mechanism;
  std::string value;
  int64_t ms = 0;
};

struct PlatformFacts {
  std::string kernel;  // "Linux", "gVisor", or "reference"
  std::string release;
  std::string machine;
  std::string isolation;
  std::map<std::string, int64_t> limits;
};

class ResultsFile {
 public:
  // Creates or empties the file (a device is written to as it is). Errors: the reason it cannot
  // be written.
  static absl::StatusOr<std::unique_ptr<ResultsFile>> Create(const std::string& path);
  ~ResultsFile();

  // Each writes one line, whole. Errors: the disk is full, the device is gone; said once.
  absl::Status WritePlatform(const PlatformFacts& facts);
  absl::Status WriteTest(const TestResult& result);
  absl::Status WriteObserved(const Observed& observed);
  absl::Status WriteTotals(const std::map<std::string, int>& by_verdict, int64_t ms);

 private:
  ResultsFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  absl::Status WriteLine(const std::string& json);

  int fd_;
  std::string path_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_REPORT_RESULTS_H_
