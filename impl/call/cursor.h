// Cursor: reads text from left to right for the parsers of this folder.
//
// The first thing that is wrong is kept, with its line and column; after it nothing matters, so
// the parsers return a plain bool and stop. A line is the unit of every format here: blanks are
// spaces, tabs and carriage returns, and what follows a '#' is a comment.
//
// It must never read beyond the text, whatever the text holds.
#ifndef IPCSPEC_IMPL_CALL_CURSOR_H_
#define IPCSPEC_IMPL_CALL_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace ipcspec {

class Cursor {
 public:
  // `text` must outlive the cursor.
  explicit Cursor(std::string_view text) : text_(text) {}
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;

  // What was wrong first, as InvalidArgument "line L, column C: ..."; ok if nothing was.
  const absl::Status& status() const { return status_; }

  // Each of these skips blanks first, and never goes to the next line.
  bool At(char c);                         // is `c` next?
  bool Take(char c);                       // takes `c` iff it is next
  bool Expect(char c);                     // takes `c`, or fails
  bool AtLineEnd();                        // is there nothing more on the line?
  std::string_view PeekWord();             // the letters, digits and '_' next; else empty
  bool TakeWord(std::string_view word);    // takes `word` iff it is the word that is next
  bool ExpectWord(std::string_view word);  // the same, or fails
  bool AtNumber();                         // is a digit or '-' next?
  bool ParseInteger(int64_t* value);       // -5, 0x1f, 0644: as in C, 64 bits
  bool ParseIntegerIn(int64_t low, int64_t high, int64_t* value);

  // Takes the rest of an empty line and its end; fails if there is something on it.
  bool EndLine();
  // Takes the line that tells what the text is, or fails.
  bool ExpectHeader(std::string_view header);
  // Goes to the next line that has something on it; false iff the text ends before.
  bool NextLine();

  // The next character as it is, blank or not; 0 at the end of the text.
  bool AtEnd() const { return position_ == text_.size(); }
  char Next() const { return AtEnd() ? '\0' : text_[position_]; }
  void Advance() { position_ += AtEnd() ? 0 : 1; }

  size_t position() const { return position_; }
  // The whole text, for excerpts by position.
  std::string_view text() const { return text_; }

  // "expected WHAT, found ..." here. All that fail return false.
  bool Fail(std::string_view expected);
  // `message` at the given position.
  bool FailAt(size_t position, std::string_view message);

  // Counts `bytes` made of data against what a whole text may make; false iff that is too much.
  bool SpendData(int64_t bytes) { return (data_left_ -= bytes) >= 0; }

 private:
  void SkipBlanks();
  std::string Found() const;

  std::string_view text_;
  size_t position_ = 0;
  int64_t data_left_ = int64_t{256} << 20;
  absl::Status status_;
};

}  // namespace ipcspec

#endif  // IPCSPEC_IMPL_CALL_CURSOR_H_
