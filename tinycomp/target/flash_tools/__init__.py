"""Flash tools: one module each, found by tinycomp.target.flash_tools._registry."""
