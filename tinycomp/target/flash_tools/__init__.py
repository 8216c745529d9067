"""Programs that flash boards: one module each, found by tinycomp.target.flash_tools._registry."""
