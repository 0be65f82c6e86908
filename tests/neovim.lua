-- Drives Neovim through what a user does, and writes what was seen as JSON. The snippet of docs/editors.md is loaded before.
local page, out = vim.env.SLOWPATH_PAGE, vim.env.SLOWPATH_OUT
local seen = {}

local function finish()
  local file = assert(io.open(out, "w"))
  file:write(vim.fn.json_encode(seen))
  file:close()
  vim.cmd("qall!")
end

local function found()
  local rules = {}
  for _, each in ipairs(vim.diagnostic.get(0)) do
    table.insert(rules, { each.code or each.user_data.lsp.code, each.lnum, each.col, each.severity, each.source })
  end
  return rules
end

local function wait(what, condition)
  if not vim.wait(60000, condition, 20) then
    seen.gave_up = what
    finish()
  end
end

local function rules_are(count)
  return function()
    return #vim.diagnostic.get(0) == count
  end
end

local function hovered()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), "\n")
    end
  end
end

vim.cmd("edit " .. vim.fn.fnameescape(page))
wait("the first diagnostics", function()
  return #vim.diagnostic.get(0) > 0
end)
seen.opened = found()

vim.api.nvim_buf_set_lines(0, 0, 0, false, { "// 🐢", "" })
local line = seen.opened[1][2]
wait("diagnostics of what is not saved", function()
  local now = found()
  return now[1] and now[1][2] == line + 2
end)
seen.edited = found()
seen.modified = vim.bo.modified

vim.api.nvim_win_set_cursor(0, { seen.edited[1][2] + 1, seen.edited[1][3] })
vim.lsp.buf.hover()
wait("the hover", hovered)
seen.hover = hovered()
vim.cmd("silent! wincmd o")

vim.ui.select = function(items, options, chosen)
  seen.offered = {}
  for index, item in ipairs(items) do
    table.insert(seen.offered, (options.format_item(item)))
    if seen.offered[index]:find("Use the plain", 1, true) then
      chosen(item, index)
      return
    end
  end
end
vim.lsp.buf.code_action()
wait("fewer diagnostics after a fix", rules_are(#seen.edited - 1))
seen.fixed = found()

seen.elsewhere = #vim.diagnostic.get(nil)
finish()
